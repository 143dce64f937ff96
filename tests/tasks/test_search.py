"""bertune search: the nearest texts of a corpus, indexes that are kept, re-ranking, and what is refused."""

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import task_contract as contract
from test_task_contract import save, sharpen
from test_vectors import command

import bertune
from bertune.base.errors import BertuneError
from bertune.evaluate import saved
from bertune.runs import corpus as corpora
from bertune.runs.predict import predict_rows
from bertune.runs.rerank import Reranker

TEXTS = [
    "the film was lovely", "a dull meal", "这家店很好", "a broken cold room", "this song is sweet", "", "味道不好吃",
    "the film was lovely",
]  # fmt: skip
QUERY = "a lovely film"


@pytest.fixture(scope="module")
def models(tiny, tmp_path_factory):
    """A model folder of each task that is needed, untrained but of an opinion."""
    made = {}

    def folder(name):
        if name not in made:
            place = tmp_path_factory.mktemp(name)
            one = contract.make(name, tiny(), place)
            sharpen(one)
            save(one, place / "model")
            made[name] = place / "model"
        return made[name]

    return folder


@pytest.fixture
def texts(tmp_path):
    file = tmp_path / "texts.csv"
    with open(file, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([["id", "text"], *([i, text] for i, text in enumerate(TEXTS))])
    return file


def cosines(model, queries):
    """Of each query with each text that there is, by row."""
    rows = [i for i, text in enumerate(TEXTS) if text]
    one, two = (predict_rows(saved.load(model), t).guesses.guess for t in (queries, [TEXTS[i] for i in rows]))
    one, two = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (one, two))
    return [{row + 1: float(a @ b) for row, b in zip(rows, two, strict=True)} for a in one]


def hits(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("task", ["retrieval", "similarity"])
def test_what_is_found_lies_nearest(models, texts, capsys, task):
    assert command("search", models(task), texts, QUERY, "很好", "--top", 3, "--json") == 0
    told = hits(capsys)
    for number, expected in enumerate(cosines(models(task), [QUERY, "很好"]), 1):
        own = [hit for hit in told if hit["query_row"] == number]
        assert [hit["rank"] for hit in own] == [1, 2, 3]
        order = sorted(expected, key=lambda row: (-round(expected[row], 5), row))
        assert [hit["row"] for hit in own] == order[:3]
        assert [hit["cosine"] for hit in own] == pytest.approx([expected[row] for row in order[:3]], abs=1e-5)
        assert [hit["text"] for hit in own] == [TEXTS[row - 1] for row in order[:3]]
    assert {1, 8} <= {hit["row"] for hit in told if hit["query_row"] == 1}, "equal texts are each found"


def test_people_see_lines_of_a_terminal(models, texts, capsys):
    assert command("search", models("retrieval"), texts, QUERY, "--top", 20) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert len(lines) == 7 and max(map(len, lines)) <= 80 and lines[0].split()[2] == "row"
    assert 'texts "text"' in said.err and "1 row without a text left out" in said.err


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_queries_and_answers_in_files(models, texts, tmp_path, suffix):
    (tmp_path / "asked.csv").write_text(f"query,passage\n{QUERY},x\na cold room,y\n", encoding="utf-8")
    out = tmp_path / f"found{suffix}"
    assert command("search", models("retrieval"), texts, "--queries", tmp_path / "asked.csv", "--top", 2,
                   "--out", out) == 0  # fmt: skip
    if suffix == ".csv":
        rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    elif suffix == ".jsonl":
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    else:
        rows = pq.read_table(out).to_pylist()
    assert list(rows[0]) == ["query_row", "query", "rank", "row", "cosine", "text"]
    assert [row["query"] for row in rows] == [QUERY] * 2 + ["a cold room"] * 2
    expected = cosines(models("retrieval"), [QUERY, "a cold room"])
    assert [float(row["cosine"]) for row in rows[::2]] == pytest.approx([max(e.values()) for e in expected], abs=1e-5)


def test_an_index_is_kept_and_only_used_for_what_it_was_made_of(models, texts, tmp_path, capsys, monkeypatch):
    folder, model = tmp_path / "index", models("retrieval")
    assert command("search", model, texts, "--index", folder) == 0
    assert "7 texts · made" in capsys.readouterr().err
    made = []
    monkeypatch.setattr(corpora, "_made", lambda *a: made.append(a))
    found = []
    for where in ([texts, "--index", folder], [folder]):
        assert command("search", model, *where, QUERY, "--json") == 0
        found.append(hits(capsys))
    assert found[0] == found[1] and len(found[0]) == 7 and not made
    moved = tmp_path / "moved.csv"
    moved.write_bytes(texts.read_bytes())
    assert command("search", model, moved, QUERY, "--index", folder) == 0
    assert "as made before" in capsys.readouterr().err, "a file may be moved"
    moved.write_text(texts.read_text(encoding="utf-8") + "9,one more\n", encoding="utf-8")
    for arguments, said in (
        ([model, moved, QUERY, "--index", folder], "made of other texts"),
        ([models("similarity"), texts, QUERY, "--index", folder], "made by another model"),
        ([models("similarity"), folder, QUERY], "made by another model"),
        ([model, folder, QUERY, "--index", tmp_path / "two"], "an index already"),
        ([model, texts, QUERY, "--index", tmp_path], "something else lies there"),
    ):
        assert command("search", *arguments) == 2
        assert said in capsys.readouterr().err
    assert not made and not list(tmp_path.glob("*.building"))


def test_portions_make_the_same_index(models, texts, tmp_path, monkeypatch, capsys):
    found = []
    for size in (4096, 2):
        monkeypatch.setattr(corpora, "AT_ONCE", size)
        assert command("search", models("retrieval"), texts, QUERY, "--index", tmp_path / f"of{size}", "--json") == 0
        found.append(hits(capsys))
    assert [hit["row"] for hit in found[0]] == [hit["row"] for hit in found[1]]
    assert [hit["cosine"] for hit in found[0]] == pytest.approx([hit["cosine"] for hit in found[1]], abs=1e-5)


def test_an_index_that_was_stopped_leaves_nothing(models, texts, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(corpora, "vectors_of", stop)
    assert command("search", models("retrieval"), texts, QUERY, "--index", tmp_path / "index") == 130
    assert [path.name for path in tmp_path.iterdir()] == ["texts.csv"]


@pytest.mark.parametrize("task", ["reranking", "regression", "pair_classification"])
def test_a_second_model_puts_the_nearest_in_order(models, texts, capsys, tmp_path, task):
    second, more = models(task), []
    if task == "regression":
        second, more = _of_pairs(second, tmp_path), []
    if task == "pair_classification":
        more = ["--right", "contradiction"]
    assert command("search", models("retrieval"), texts, QUERY, "--json") == 0
    before = [hit["row"] for hit in hits(capsys)]
    asked = ["search", models("retrieval"), texts, QUERY, "--rerank", second, *more, "--json"]
    assert command(*asked, "--candidates", 4, "--top", 3) == 0
    told = hits(capsys)
    assert len(told) == 3 and {hit["row"] for hit in told} < set(before[:4])
    assert command(*asked, "--candidates", 1, "--top", 4) == 0
    assert {hit["row"] for hit in hits(capsys)} == set(before[:4]), "as many as are wanted are candidates"
    scores = [hit["score"] for hit in told]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) > 1
    mine = Reranker.open(str(second), more[1] if more else None).scores(QUERY, [hit["text"] for hit in told])
    assert scores == pytest.approx(mine.tolist(), abs=1e-5)


def _of_pairs(model, tmp_path):
    """A model of single texts that says it reads pairs."""
    import shutil

    folder = tmp_path / "pairs"
    shutil.copytree(model, folder)
    about = json.loads((folder / "bertune.json").read_text(encoding="utf-8"))
    about["columns"]["text_pair"] = "text_pair"
    (folder / "bertune.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def test_in_python(models, tmp_path):
    run = bertune.load(_run_folder(models("retrieval"), tmp_path))
    (found,) = run.search(TEXTS, QUERY, top=2)
    (expected,) = cosines(models("retrieval"), [QUERY])
    assert [hit.row for hit in found] == [1, 8] or found[0].cosine == pytest.approx(max(expected.values()), abs=1e-5)
    assert isinstance(found[0], bertune.Hit) and found[0].score is None and found[0].file is None
    kept = run.search({"text": TEXTS}, [QUERY, "x"], index=tmp_path / "index", rerank=models("reranking"), candidates=3)
    assert len(kept) == 2 and all(hit.score is not None for hit in kept[0])
    again = run.search(tmp_path / "index", QUERY, top=1)
    assert again[0][0].text == found[0].text
    for wrong in ({"top": 0}, {"candidates": -1}, {"text": "nowhere"}):
        with pytest.raises(BertuneError):
            run.search({"text": TEXTS}, QUERY, **wrong)
    with pytest.raises(BertuneError, match="no text to search for"):
        run.search(TEXTS, ["x", " "])


def _run_folder(model, tmp_path):
    import shutil

    (tmp_path / "run").mkdir()
    shutil.copytree(model, tmp_path / "run" / "model")
    (tmp_path / "run" / "run.json").write_text('{"status": "done"}', encoding="utf-8")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["text_classification", "texts", QUERY], "--task retrieval"),
        (["retrieval", "empty", QUERY], "no texts to search"),
        (["retrieval", "nowhere.csv", QUERY], "no such file"),
        (["retrieval", "texts"], "nothing to search for"),
        (["retrieval", "texts", " "], "no text to search for"),
        (["retrieval", "texts", QUERY, "--text", "nowhere"], "no column 'nowhere'"),
        (["retrieval", "texts", QUERY, "--top", "0"], "--top"),
        (["retrieval", "texts", QUERY, "--out", "x.docx"], "not written in this format"),
        (["retrieval", "texts", QUERY, "--rerank", "text_classification"], "how well two texts belong together"),
        (["retrieval", "texts", QUERY, "--rerank", "retrieval"], "how well two texts belong together"),
        (["retrieval", "texts", QUERY, "--rerank", "pair_classification", "--right", "x"], "--right"),
    ],
)
def test_what_cannot_be_meant_is_refused(models, texts, tmp_path, capsys, arguments, said):
    (tmp_path / "empty.csv").write_text("text\n\n", encoding="utf-8")
    places = {"texts": texts, "empty": tmp_path / "empty.csv"}
    named = ("text_classification", "retrieval", "pair_classification")
    given = [models(a) if a in named else places.get(a, a) for a in arguments]
    assert command("search", *given) == 2
    told = capsys.readouterr().err
    assert said in told and "Traceback" not in told
