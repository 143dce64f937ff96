"""bertune search."""

from pathlib import Path
from typing import Annotated

import typer

from bertune.cli import options as o


def search(
    run: o.Run,
    corpus: Annotated[str, typer.Argument(help="file, folder or hf:<dataset> with texts, or an index made before",
                                          metavar="CORPUS")],
    query: Annotated[list[str] | None, typer.Argument(help="texts to look for", metavar="QUERY…")] = None,
    queries: Annotated[str | None, typer.Option("--queries", help="file with texts to look for", metavar="F")] = None,
    top: Annotated[int, typer.Option("--top", help="texts found for each query", min=1, metavar="K")] = 10,
    index: Annotated[str | None, typer.Option("--index", help="folder that keeps the vectors", metavar="F")] = None,
    text: Annotated[str | None, typer.Option("--text", help="column of the texts in CORPUS", metavar="C")] = None,
    rerank: Annotated[str | None, typer.Option("--rerank", help="run of pairs that puts the nearest texts in order",
                                               metavar="RUN2")] = None,
    candidates: Annotated[int, typer.Option("--candidates", help="texts that RUN2 puts in order", min=1,
                                            metavar="N")] = 100,
    right: Annotated[str | None, typer.Option("--right", help="class of RUN2 of pairs that belong together",
                                              metavar="CLASS")] = None,
    out: Annotated[str | None, typer.Option("--out", help=".parquet, .csv or .jsonl; else stdout", metavar="F")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="how files are read: data.format, data.encoding, "
                                                   "data.header, .delimiter, .quoting", metavar="key=value")] = None,
    as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Find the texts of a file that belong to a query, with a model of retrieval or similarity."""
    from bertune.runs.corpus import Corpus
    from bertune.runs.search import Wanted, search_command

    searched = Corpus(corpus, text, None if index is None else Path(index), set_ or [])
    wanted = Wanted(query or [], queries, out, top, candidates, rerank, right)
    search_command(run, searched, wanted, o.teller(as_json))
