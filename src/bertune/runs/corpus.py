"""The texts that are searched: read, made into vectors portion by portion, and kept for the next time."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertune.base import registry
from bertune.base.errors import DataError, ModelError
from bertune.base.files import FILES
from bertune.base.model_files import weight_files
from bertune.base.types import Examples, Floats, Ints, Roles, Table
from bertune.base.wording import counted
from bertune.data.columns import recognise
from bertune.data.frames import table_of
from bertune.data.text_index import TextIndex, Vectors, is_index, read_index, texts_at, write_texts, write_vectors
from bertune.evaluate.saved import SavedModel
from bertune.model import beside
from bertune.runs.new_rows import as_trained, tables_of
from bertune.runs.predict import AT_ONCE, predict_examples
from bertune.runs.telling import Teller

DIGESTED = ("config.json", "tokenizer.json", "bertune.json", beside.FILE)


@dataclass(frozen=True)
class Corpus:
    """What is searched: a file, folder or hf:<dataset>, an index made before, or rows in memory.

    `text` names the column; `index` is a folder that keeps the vectors; `settings` say how a file is read.
    """

    source: Any
    text: str | None = None
    index: Path | None = None
    settings: Sequence[str] = ()


def check_vectors(saved: SavedModel) -> None:
    """Refuses a model that gives no vectors of single texts. Raises ModelError."""
    if not saved.task.alone:
        fitting = [name for name in registry.names("tasks") if registry.load("tasks", name).alone]
        raise ModelError(
            "this model gives no vectors to search by.", where=str(saved.folder),
            expected="a run of " + " or ".join(fitting), found=saved.about.task,
            next_move=f"bertune train DATA --task {fitting[0]}, with rows of two texts that belong together",
        )  # fmt: skip


@contextmanager
def opened(
    saved: SavedModel, corpus: Corpus, teller: Teller, poll: Callable[[], None] = lambda: None
) -> Iterator[TextIndex]:
    """The index of a corpus: an earlier one where model and texts are the same, else made now.

    Raises DataError where there are no texts, or where the index is of another model or of other texts.
    """
    given = Path(corpus.source) if isinstance(corpus.source, (str, Path)) else None
    if given is not None and is_index(given):
        if corpus.index is not None:
            raise DataError("this is an index already.", where=str(given), next_move="leave out --index")
        yield _fitting(read_index(given), saved, given)
        return
    if corpus.index is None:
        with tempfile.TemporaryDirectory(prefix="bertune-", ignore_cleanup_errors=True) as place:
            yield _made(saved, corpus, Path(place), teller, poll)
        return
    yield _kept(saved, corpus, corpus.index, teller, poll)


def _kept(saved: SavedModel, corpus: Corpus, folder: Path, teller: Teller, poll: Callable[[], None]) -> TextIndex:
    """The index in a folder, where it is of this model and these texts; made there where there is none."""
    earlier = is_index(folder)
    if not earlier and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError("something else lies there.", where=str(folder), expected="a new or empty folder, or an index",
                        next_move="another --index")  # fmt: skip
    found = _fitting(read_index(folder), saved, folder) if earlier else None
    building = folder.with_name(folder.name + ".building")
    FILES.remove(building)
    FILES.make_folder(building)
    try:
        if found is None:
            _made(saved, corpus, building, teller, poll)
            FILES.remove(folder)
            FILES.rename(building, folder)
            found = read_index(folder)
        elif _written(saved, corpus, building, teller, poll)[0] != found.corpus:
            raise DataError(
                "this index was made of other texts.", where=str(folder), expected=f"the texts of {corpus.source}",
                found=f"{counted(len(found), 'text')} of {', '.join(found.files[:3])}",
                next_move=f"remove {folder}, or give another --index",
            )  # fmt: skip
    finally:
        FILES.remove(building)
    said = "as made before" if earlier else "made"
    teller.say("index", f"{folder} · {counted(len(found), 'text')} · {said}", index=str(folder), texts=len(found))
    return found


def _fitting(index: TextIndex, saved: SavedModel, folder: Path) -> TextIndex:
    if index.model != model_digest(saved.folder):
        raise DataError(
            "this index was made by another model.", where=str(folder), expected=f"vectors of {saved.folder}",
            next_move=f"search the texts again with {saved.folder} and another --index, or remove {folder}",
        )  # fmt: skip
    return index


def model_digest(folder: Path) -> str:
    """A digest of everything in a model's folder that decides its answers."""
    files = [*weight_files(folder), *(folder / name for name in DIGESTED if (folder / name).is_file())]
    return hashlib.sha256("".join(f"{file.name} {FILES.digest(file)}\n" for file in files).encode()).hexdigest()


def _made(saved: SavedModel, corpus: Corpus, folder: Path, teller: Teller, poll: Callable[[], None]) -> TextIndex:
    digest, files = _written(saved, corpus, folder, teller, poll)
    cut: list[int] = []

    def portions() -> Iterator[Vectors]:
        for texts in texts_at(folder, AT_ONCE):
            vectors, lost = vectors_of(saved, texts, poll)
            cut.append(lost)
            yield vectors.astype(np.float32)

    index = write_vectors(folder, portions(), model_digest(saved.folder), digest, files)
    if sum(cut):
        length = saved.about.max_length
        teller.warn(f"{counted(sum(cut), 'text')} cut at {length} tokens, the length of training", cut=sum(cut))
    return index


def vectors_of(saved: SavedModel, texts: Sequence[str], poll: Callable[[], None]) -> tuple[Floats, int]:
    """Vectors [texts, width] of length 1 of cleaned texts, and how many texts lost tokens."""
    answered = predict_examples(saved, Examples(list(texts)), poll=poll)
    values = answered.guesses.guess
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.maximum(length, 1e-12), int(answered.cut.sum())


def _written(
    saved: SavedModel, corpus: Corpus, folder: Path, teller: Teller, poll: Callable[[], None]
) -> tuple[str, tuple[str, ...]]:
    """Read the texts into a folder; their digest, and the names of their files. Raises DataError without any."""
    files: tuple[str, ...] = ()
    empty = 0

    def parts() -> Iterator[tuple[list[str], Ints]]:
        nonlocal files, empty
        column = None
        for table in _tables(corpus):
            poll()
            files = table.files
            if column is None:
                column = _column(table, corpus, saved, teller)
            texts = as_trained(saved, table, Roles(column)).texts
            good = [i for i, text in enumerate(texts) if text is not None]
            empty += len(texts) - len(good)
            yield [texts[i] or "" for i in good], np.column_stack([table.file[good], table.row[good]]).astype(np.int64)

    digest = write_texts(folder, parts())
    if empty:
        teller.warn(f"{counted(empty, 'row')} without a text left out", empty=empty)
    if not any(True for _ in texts_at(folder, 1)):
        raise DataError("there are no texts to search.", where=_shown(corpus), expected="at least one row with a text")
    return digest, files


def _tables(corpus: Corpus) -> Iterator[Table]:
    if isinstance(corpus.source, (str, Path)):
        yield from tables_of(str(corpus.source), corpus.settings)
    else:
        yield table_of(corpus.source)


def _shown(corpus: Corpus) -> str:
    return str(corpus.source) if isinstance(corpus.source, (str, Path)) else "<memory>"


def _column(table: Table, corpus: Corpus, saved: SavedModel, teller: Teller) -> str:
    """The column of the texts: the one named, else that of the second or first texts of training, else recognised."""
    trained = [name for name in (saved.roles.text_pair, saved.roles.text) if name in table.names]
    if corpus.text is None and trained:
        column, why = str(trained[0]), "as in training"
    else:
        roles = recognise(table, corpus.text, None, None, None, need_label=False)
        column, why = roles.text_pair or roles.text, roles.why
    teller.say("corpus", f'{_shown(corpus)} · texts "{column}" ({why})', column=column)
    return column
