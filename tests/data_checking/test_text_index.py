"""An index of texts: what is nearest is what comparing all would find; what was changed is refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.data import text_index
from bertune.data.text_index import read_index, texts_at, write_texts, write_vectors


def made(folder, vectors, texts=None, files=("a.csv",)):
    texts = texts or [f"text {i}" for i in range(len(vectors))]
    rows = np.column_stack([np.zeros(len(texts), np.int64), np.arange(1, len(texts) + 1)])
    half = len(texts) // 2
    digest = write_texts(folder, [(texts[:half], rows[:half]), (texts[half:], rows[half:])])
    parts = [vectors[start : start + 3].astype(np.float32) for start in range(0, len(vectors), 3)]
    return write_vectors(folder, parts, "model", digest, files)


def unit(values):
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 60), st.integers(1, 17), st.integers(0, 2**32 - 1))
def test_the_nearest_of_all(tmp_path_factory, texts, queries, top, block, seed):
    chance = np.random.default_rng(seed)
    vectors = unit(chance.integers(-2, 3, (texts, 3)) + 0.1)  # with many equal ones
    asked = unit(chance.normal(size=(queries, 3)))
    index = made(tmp_path_factory.mktemp("index"), vectors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_index, "BLOCK", block)
        places, cosines = index.nearest(asked, top)
    assert places.shape == cosines.shape == (queries, min(top, texts))
    exact = asked @ vectors.T
    for row in range(queries):
        assert len(set(places[row])) == len(places[row])
        assert cosines[row] == pytest.approx(exact[row, places[row]], abs=2e-6)
        assert cosines[row] == pytest.approx(np.sort(exact[row])[::-1][: len(cosines[row])], abs=2e-6)
        same = np.flatnonzero(np.diff(cosines[row]) == 0)
        assert (np.diff(places[row])[same] > 0).all(), "of equals the earlier comes first"


@settings(max_examples=30)
@given(st.lists(st.text(max_size=20).filter(lambda t: t.isprintable()), min_size=1, max_size=12))
def test_texts_come_back_as_they_were(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("index")
    index = made(folder, np.ones((len(texts), 2)), texts)
    assert [index.text(at) for at in range(len(index))] == texts
    assert [text for part in texts_at(folder, 5) for text in part] == texts
    assert read_index(folder).corpus == index.corpus


def test_the_digest_is_that_of_texts_and_rows(tmp_path):
    one, rows = ["a", "bc"], np.array([[0, 1], [0, 2]])
    digests = [
        write_texts(tmp_path / "1", [(one, rows)]),
        write_texts(tmp_path / "2", [(one[:1], rows[:1]), (one[1:], rows[1:])]),
        write_texts(tmp_path / "3", [(["ab", "c"], rows)]),
        write_texts(tmp_path / "4", [(one, rows + 1)]),
    ]
    assert digests[0] == digests[1] and len(set(digests)) == 3


def _cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def _other(path):
    path.write_bytes(b"x" * path.stat().st_size)


def _linked(path):
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize(
    "damage", [_cut, _other, _linked, lambda path: path.unlink()], ids=["cut", "other", "linked", "missing"]
)
@pytest.mark.parametrize("name", text_index.ARRAYS)
def test_a_damaged_index_is_refused(tmp_path, name, damage):
    folder = tmp_path / "index"
    made(folder, np.eye(4))
    damage(folder / name)
    with pytest.raises(DataError, match="this index cannot be used"):
        read_index(folder)


@pytest.mark.parametrize("change", [
    {"format": 2}, {"files": []}, {"files": [1]}, {"model": None}, {"digests": None}, {"digests": {}},
])  # fmt: skip
def test_an_index_that_says_something_else_is_refused(tmp_path, change):
    made(tmp_path, np.eye(4))
    about = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))
    (tmp_path / "index.json").write_text(json.dumps({**about, **change}), encoding="utf-8")
    with pytest.raises(DataError, match="this index cannot be used"):
        read_index(tmp_path)


def test_arrays_of_another_shape_are_refused_whatever_their_digests(tmp_path):
    """Who writes an index by hand can write its digests too: no array is then taken for more than its file holds."""
    made(tmp_path, np.eye(4))
    for name, array in (
        ("vectors", np.eye(3, dtype=np.float32)), ("vectors", np.eye(4)), ("rows", np.full((4, 2), 9)),
        ("starts", np.array([0, 3, 2, 9, 28])), ("starts", np.array([0, 7, 14, 21, 2**40])),
    ):  # fmt: skip
        kept = (tmp_path / f"{name}.npy").read_bytes()
        np.save(tmp_path / f"{name}.npy", array)
        about = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))
        about["digests"][f"{name}.npy"] = text_index.FILES.digest(tmp_path / f"{name}.npy")
        (tmp_path / "index.json").write_text(json.dumps(about), encoding="utf-8")
        with pytest.raises(DataError, match="this index cannot be used"):
            read_index(tmp_path)
        (tmp_path / f"{name}.npy").write_bytes(kept)
        about["digests"][f"{name}.npy"] = text_index.FILES.digest(tmp_path / f"{name}.npy")
        (tmp_path / "index.json").write_text(json.dumps(about), encoding="utf-8")
    assert len(read_index(tmp_path)) == 4
