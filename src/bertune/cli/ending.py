"""How a command ends: exit codes, and messages without a traceback for what the user can mend."""

import json
import shutil
import signal
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from bertune.base.errors import BertuneError
from bertune.base.processes import asked
from bertune.base.wording import harmless_json, visible
from bertune.engine.interrupt import Interrupted, Watch

# Wrong options and arguments: typer brings its own copy of click, or uses click, depending on the release.
UsageProblem: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

PATIENCE = 10.0  # seconds in which the first of several processes comes to the same mistake, and tells it


@contextmanager
def ending(arguments: Sequence[str] = ()) -> Iterator[None]:
    """Turn what a command raises into a message and an exit code; `arguments` tell whether a machine reads along."""
    as_json = "--json" in arguments
    try:
        with Watch():  # also while libraries are imported
            yield
    except BertuneError as error:
        _tell(error.text(), type(error).__name__, as_json)
        if not asked().leads:
            time.sleep(PATIENCE)  # the end of one process ends the others
        sys.exit(2)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _tell("stopped; nothing was lost.", "Interrupted", as_json)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        text = f"{place}{error.strerror or error}\n  next      free space or permissions, then bertune resume RUN"
        _tell(text, "OSError", as_json)
        sys.exit(2)
    except UsageProblem as error:
        _usage(error, as_json)
    except Interrupted as interruption:
        run = interruption.run
        goes_on = f"bertune resume {run} goes on from here." if run else "nothing was lost."
        _tell(f"stopped by a signal; {goes_on}", "Interrupted", as_json)
        sys.exit(130 if interruption.number == signal.SIGINT else 3)
    except Exception as error:  # a failure of ours goes on as it is, for a traceback and exit code 1
        if as_json:
            _write(type(error).__name__, str(error))
        raise


def _usage(error: BaseException, as_json: bool) -> None:
    if as_json:
        _write("UsageError", error.format_message())  # type: ignore[attr-defined]
    error.show()  # type: ignore[attr-defined]
    sys.exit(error.exit_code)  # type: ignore[attr-defined]


def _tell(text: str, kind: str, as_json: bool) -> None:
    if not asked().leads:  # the first of several processes says it
        return
    if as_json:
        _write(kind, text)
    sys.stderr.write(_fitted(visible(text)) + "\n")


def _fitted(text: str) -> str:
    """The text as a terminal of this width shows it best, continued under its own words; elsewhere as it is."""
    if not sys.stderr.isatty():
        return text
    width = max(40, shutil.get_terminal_size().columns)
    lines = [textwrap.wrap(line, width, subsequent_indent=" " * 12) or [""] for line in text.split("\n")]
    return "\n".join(part for line in lines for part in line)


def _write(kind: str, text: str) -> None:
    line = json.dumps({"topic": "error", "kind": kind, "text": text}, ensure_ascii=False)
    sys.stdout.write(harmless_json(line) + "\n")
    sys.stdout.flush()
