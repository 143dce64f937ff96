"""bertune search: the texts of a corpus that lie nearest to a query, perhaps put in order by a second model."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bertune.base.errors import BertuneError, DataError
from bertune.base.types import Roles
from bertune.base.wording import counted, harmless_json
from bertune.data.columns import recognise
from bertune.data.text_index import TextIndex
from bertune.engine.interrupt import Watch
from bertune.evaluate.saved import SavedModel
from bertune.runs.answers import check_out, shortened, shown
from bertune.runs.corpus import Corpus, check_vectors, opened, vectors_of
from bertune.runs.new_rows import as_trained, of_texts, tables_of
from bertune.runs.predict import NO_TEXT, open_model
from bertune.runs.rerank import Reranker
from bertune.runs.rows_out import write_rows
from bertune.runs.telling import People, Teller

AT_ONCE = 256  # queries compared with all texts at once
WIDTH = 80


@dataclass(frozen=True)
class Hit:
    """A text that was found: its row in the corpus, from 1, and the cosine of its vector with that of the query.

    `score` is what the re-ranking model says of query and text, None without one; `file` names the file of the row
    where the corpus has several.
    """

    row: int
    text: str
    cosine: float
    score: float | None = None
    file: str | None = None


@dataclass(frozen=True)
class Asked:
    """How many texts are wanted for each query, of how many candidates, and who puts these in order."""

    top: int = 10
    candidates: int = 100
    reranker: Reranker | None = None


def search(
    saved: SavedModel, index: TextIndex, queries: Sequence[str], asked: Asked, poll: Callable[[], None] = lambda: None
) -> Iterator[list[Hit]]:
    """The hits of each query, the best first. `poll` may raise to stop."""
    wanted = asked.top if asked.reranker is None else max(asked.top, asked.candidates)
    for first in range(0, len(queries), AT_ONCE):
        poll()
        some = queries[first : first + AT_ONCE]
        places, cosines = index.nearest(vectors_of(saved, some, poll)[0], wanted)
        for query, row, near in zip(some, places.tolist(), cosines.tolist(), strict=True):
            hits = [_hit(index, at, cosine) for at, cosine in zip(row, near, strict=True)]
            if asked.reranker is not None and hits:
                scores = asked.reranker.scores(query, [hit.text for hit in hits], poll)
                order = np.argsort(-scores, kind="stable").tolist()
                hits = [replace(hits[i], score=float(scores[i])) for i in order]
            yield hits[: asked.top]


def _hit(index: TextIndex, at: int, cosine: float) -> Hit:
    file, row = (int(number) for number in index.rows[at])
    return Hit(row, index.text(at), cosine, None, index.files[file] if len(index.files) > 1 else None)


def cleaned(saved: SavedModel, queries: Sequence[str | None]) -> list[str]:
    """Queries treated as the texts of training were. Raises DataError for one without a text."""
    found = list(of_texts(saved, queries, None).texts)
    wrong = [i for i, text in enumerate(found) if text is None or not text.strip()]
    if wrong:
        raise DataError(f"there is {NO_TEXT} to search for.", where=f"query {wrong[0] + 1:,}", expected="a text")
    return [text or "" for text in found]


def queries_of(saved: SavedModel, file: str, settings: Sequence[str]) -> list[str | None]:
    """The queries in a file: of the column of first texts as in training, else of the one that is recognised."""
    found: list[str | None] = []
    column = ""
    for table in tables_of(file, settings):
        if not column:
            trained = saved.roles.text
            own = trained in table.names
            column = trained if own else recognise(table, None, None, None, None, need_label=False).text
        found += as_trained(saved, table, Roles(column)).texts
    return found


@dataclass(frozen=True)
class Wanted:
    """What the command is asked for: queries said and in a file, how many texts, and where they go."""

    said: Sequence[str]
    file: str | None = None
    out: str | None = None
    top: int = 10
    candidates: int = 100
    rerank: str | None = None
    right: str | None = None


def search_command(run: str, corpus: Corpus, wanted: Wanted, teller: Teller) -> None:
    """Print the texts nearest to each query (with JSON, one object a text), or write them into `out`.

    Without a query the corpus is only made into the index that is asked for. Raises BertuneError.
    """
    if not wanted.said and wanted.file is None and corpus.index is None:
        raise BertuneError("there is nothing to search for.", expected="a query, --queries FILE, or --index FOLDER",
                           next_move=f'bertune search {run} {corpus.source} "what is looked for"')  # fmt: skip
    if wanted.out is not None:
        check_out(Path(wanted.out), str(corpus.source))
    people = People() if teller.bar == "json" else teller  # hits alone go to stdout
    with Watch() as watch:
        saved = open_model(run)
        check_vectors(saved)
        reranker = None if wanted.rerank is None else Reranker.open(wanted.rerank, wanted.right)
        asked = Asked(wanted.top, wanted.candidates, reranker)
        given = [*wanted.said, *(queries_of(saved, wanted.file, corpus.settings) if wanted.file else [])]
        queries = cleaned(saved, given)
        with opened(saved, corpus, people, watch.poll) as index:
            found = zip(queries, search(saved, index, queries, asked, watch.poll), strict=True)
            if wanted.out is not None:
                _write(Path(wanted.out), list(found), people)
            else:
                _print(found, teller.bar == "json", len(queries) > 1)


def _entries(found: Iterator[tuple[str, list[Hit]]] | Sequence[tuple[str, list[Hit]]]) -> Iterator[dict[str, Any]]:
    for number, (query, hits) in enumerate(found, 1):
        for rank, hit in enumerate(hits, 1):
            told = {name: value for name, value in asdict(hit).items() if value is not None}
            yield {"query_row": number, "query": query, "rank": rank, **told}


def _print(found: Iterator[tuple[str, list[Hit]]], as_json: bool, several: bool) -> None:
    if as_json:
        for entry in _entries(found):
            sys.stdout.write(harmless_json(json.dumps(entry, ensure_ascii=False)) + "\n")
        return
    for query, hits in found:
        if several:
            sys.stdout.write(f"\n{shortened(shown(query[:500]), WIDTH)}\n")
        for rank, hit in enumerate(hits, 1):
            score = "" if hit.score is None else f"{hit.score:8.3f}"
            head = f"{rank:>4} {score}{hit.cosine:8.3f}  row {hit.row:<8,} "
            sys.stdout.write(f"{head}{shortened(shown(hit.text[:500]), max(20, WIDTH - len(head)))}".rstrip() + "\n")


def _write(out: Path, found: Sequence[tuple[str, list[Hit]]], teller: Teller) -> None:
    entries = list(_entries(found))
    kinds: Mapping[str, pa.DataType] = {
        "query_row": pa.int64(), "query": pa.string(), "rank": pa.int64(), "row": pa.int64(), "file": pa.string(),
        "cosine": pa.float64(), "score": pa.float64(), "text": pa.string(),
    }  # fmt: skip
    there = {name for entry in entries for name in entry}
    write_rows(out, {n: pa.array([e.get(n) for e in entries], kind) for n, kind in kinds.items() if n in there})
    asked = f"{len(found):,} {'query' if len(found) == 1 else 'queries'}"
    teller.say("written", f"{out} · {counted(len(entries), 'text')} for {asked}", out=str(out), rows=len(entries))
