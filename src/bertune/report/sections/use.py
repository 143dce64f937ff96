"""The tenth part: how to use the model."""

from bertune.report.elements import code, section, tag
from bertune.report.folder import RunFolder
from bertune.report.snippets import command_line, python, transformers
from bertune.report.words import Words

ORDER = 100


class Use:
    """The model from the command line, from Python, and with transformers alone."""

    def __call__(self, run: RunFolder, words: Words) -> str | None:
        """The part as HTML."""
        pieces = (("command_line", command_line), ("python", python), ("transformers", transformers))
        blocks = [part for key, made in pieces for part in (tag("h3", words(f"use.{key}")), code(made(run, words)))]
        return section("use", words.plain("use.title"), *blocks)
