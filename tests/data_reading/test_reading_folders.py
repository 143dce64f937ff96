"""Folders as they are published: IMDB, GLUE, the hub's layout; and Excel and compressed files."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from _sources import packed, write_csv, write_excel, write_json, write_jsonl, write_parquet

from bertune.base.errors import DataError, MissingExtra
from bertune.base.sections import DataSection
from bertune.base.types import SPLITS
from bertune.data.columns import label_texts, recognise
from bertune.data.table import read

PLAIN = DataSection()


def splits(table):
    return [SPLITS[i] if i >= 0 else "" for i in table.given.tolist()]


def imdb(folder):
    for split in ("train", "test"):
        for label in ("pos", "neg", *(("unsup",) if split == "train" else ())):
            (folder / split / label).mkdir(parents=True)
            for number in range(3):
                (folder / split / label / f"{number}_7.txt").write_text(f"{split} {label} {number} <br />é", "utf-8")
        (folder / split / "urls_pos.txt").write_text("http://localhost/\n")
    (folder / "imdb.vocab").write_text("the\n")
    (folder / "README").write_text("about\n")
    return folder


def test_imdb_as_published(tmp_path):
    table = read(imdb(tmp_path / "aclImdb"), PLAIN)
    assert len(table) == 12 and table.names == ("text", "label", "id")
    assert splits(table) == ["train"] * 6 + ["test"] * 6
    assert set(table.values("label")) == {"pos", "neg"}
    assert table.values("text")[0] == "train neg 0 <br />é" and table.value("id", 0) == "0_7"
    assert "unsup (3 texts without label)" in table.facts["left out"]
    assert table.place(0).file.endswith("0_7.txt")


def test_given_keeps_the_rows_of_that_split_alone(tmp_path):
    table = read(imdb(tmp_path / "aclImdb"), PLAIN, given="test")
    assert len(table) == 6 and set(splits(table)) == {"test"}
    assert "not those of train" in table.facts["rows"]
    other = read(write_csv(tmp_path / "a.csv", [("a", "b")]), PLAIN, given="valid")
    assert splits(other) == ["valid"]


def test_a_folder_per_class_names_the_file_that_is_no_text(tmp_path):
    (tmp_path / "c" / "a").mkdir(parents=True)
    (tmp_path / "c" / "b").mkdir()
    (tmp_path / "c" / "a" / "1.txt").write_text("fine")
    (tmp_path / "c" / "b" / "2.txt").write_bytes(b"line\nna\xefve caf\xe9 \xff")
    with pytest.raises(DataError, match=r"2\.txt.*[\s\S]*cp1252"):
        read(tmp_path / "c", PLAIN)
    with pytest.raises(DataError, match=r"2\.txt row 1.*0xef"):
        read(tmp_path / "c", DataSection(encoding="utf-8"))


GLUE = {
    "SST-2": (
        {"train": "sentence\tlabel\nit 's \"good \t1\n", "dev": "sentence\tlabel\nbad\t0\n",
         "test": "index\tsentence\n0\tunknown\n"},
        ("sentence", None, "label"), ["1", "0", None],
    ),
    "CoLA": (
        {"train": "gj04\t1\t\tOur friends won't.\n", "dev": "gj04\t0\t*\tThe \"sailors.\n",
         "test": "index\tsentence\n0\tBill whistled.\n"},
        ("sentence", None, "label"), ["1", "0", None],
    ),
    "MRPC": (
        {"train": "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tA \"b\tC\n",
         "test": "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t1\t2\tD\tE\n"},
        ("sentence1", "sentence2", "label"), ["1", None],
    ),
    "STS-B": (
        {"dev": "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
                "0\tg\tf\t2012\t1\tx\ty\tA\tB\t5.000\n"},
        ("sentence1", "sentence2", "score"), ["5.000"],
    ),
    "QQP": (
        {"train": "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tA?\tB?\t0\nbroken\n"
                  "4\t5\t6\tC?\tD?\t1\n", "test": "id\tquestion1\tquestion2\n0\tE?\tF?\n"},
        ("question1", "question2", "label"), ["0", "1", None],
    ),
    "MNLI": (
        {"train": "index\tgenre\tsentence1\tsentence2\tlabel1\tgold_label\n0\tg\tA\tB\tneutral\tneutral\n",
         "dev_matched": "index\tgenre\tsentence1\tsentence2\tlabel1\tlabel2\tgold_label\n"
                        "0\tg\tA\tB\tneutral\tentailment\tentailment\n",
         "dev_mismatched": "index\tgenre\tsentence1\tsentence2\tgold_label\n0\tg\tA\tB\tneutral\n",
         "test_matched": "index\tgenre\tsentence1\tsentence2\n0\tg\tA\tB\n"},
        ("premise", "hypothesis", "label"), ["neutral", "entailment", None],
    ),
    "QNLI": ({"train": "index\tquestion\tsentence\tlabel\n0\tA?\tB\tentailment\n"},
             ("question", "sentence", "label"), ["entailment"]),
    "RTE": ({"train": "index\tsentence1\tsentence2\tlabel\n0\tA\tB\tnot_entailment\n"},
            ("sentence1", "sentence2", "label"), ["not_entailment"]),
    "WNLI": ({"dev": "index\tsentence1\tsentence2\tlabel\n0\tA\tB\t1\n"},
             ("sentence1", "sentence2", "label"), ["1"]),
}  # fmt: skip


@pytest.mark.parametrize("task", list(GLUE))
def test_glue_as_published(task, tmp_path):
    files, roles, labels = GLUE[task]
    (tmp_path / "original").mkdir()
    (tmp_path / "original" / "README.txt").write_text("as published beside the files")
    for name, content in files.items():
        (tmp_path / f"{name}.tsv").write_text(content, encoding="utf-8")
    table = read(tmp_path, PLAIN)
    assert table.facts["format"] == "glue" and task in table.facts["task"]
    found = recognise(table, None, None, None, None)
    assert (found.text, found.text_pair, found.label) == roles
    assert label_texts(table, roles[2]) == labels
    kinds = {"train": "train", "dev": "valid", "dev_matched": "valid", "test": "test", "test_matched": "test"}
    expected = [kinds[name] for name in kinds if name in files]
    assert list(dict.fromkeys(splits(table))) == expected
    if task == "QQP":
        assert "1 damaged rows of train.tsv (rows 2)" in table.facts["left out"]
        assert table.row.tolist() == [1, 3, 1] and table.line.tolist() == [2, 4, 2]
    if task == "MNLI":
        assert "dev_mismatched.tsv" in table.facts["left out"]
    if task == "CoLA":
        assert table.row.tolist() == [1, 1, 1] and table.line.tolist() == [1, 1, 2]


def test_a_folder_of_another_task_keeps_its_columns(tmp_path):
    (tmp_path / "train.tsv").write_text("label\ttext_a\n1\t好\n", encoding="utf-8")
    (tmp_path / "dev.tsv").write_text("qid\tlabel\ttext_a\n7\t0\t不好\n", encoding="utf-8")
    table = read(tmp_path, PLAIN)
    assert table.values("text_a") == ["好", "不好"] and splits(table) == ["train", "valid"]


def put(folder, **files):
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")


def test_files_named_by_split_are_its_rows_whatever_their_formats(tmp_path):
    put(tmp_path, sst_test__csv="text,label\nc,x\n", train__jsonl='{"text": "a", "label": "x"}\n',
        my_dev__tsv="label\ttext\ny\tb\n", classes__txt="x\ny\n", README__md="rows")  # fmt: skip
    table = read(tmp_path, PLAIN)
    assert table.values("text") == ["a", "b", "c"] and table.values("label") == ["x", "y", "x"]
    assert splits(table) == ["train", "valid", "test"]
    assert [table.place(i).file.rsplit("/", 1)[1] for i in range(3)] == ["train.jsonl", "my_dev.tsv", "sst_test.csv"]
    assert table.facts["format"] == "folder of jsonl, csv" and table.facts["left out"] == "classes.txt"


def test_files_of_one_suffix_are_parts_of_one_table_sorted_by_name(tmp_path):
    put(tmp_path, b__csv="text,label\nc,x\n", a__csv="text,label\na,x\nb,y\n", notes__md="more")
    table = read(tmp_path, PLAIN)
    assert table.values("text") == ["a", "b", "c"] and table.row.tolist() == [1, 2, 1]
    assert set(table.given.tolist()) == {-1}


def test_given_settings_hold_for_every_file_of_a_folder(tmp_path):
    for name in ("train.csv", "test.csv"):
        (tmp_path / name).write_bytes("text^label\ngrün^x\n".encode("cp1252"))
    table = read(tmp_path, DataSection(encoding="cp1252", delimiter="^"))
    assert table.values("text") == ["grün", "grün"]


def test_a_fault_in_a_folder_names_the_file_and_its_row(tmp_path):
    put(tmp_path, train__csv="text,label\na,x\n", test__csv="text,label\na,x\nb\n")
    with pytest.raises(DataError, match=r"test\.csv row 2"):
        read(tmp_path, PLAIN)


@pytest.mark.parametrize("files", [{"a__csv": "text,label\n", "b__json": "[]"}, {"notes__md": "x"}, {},
                                   {"a__txt": "some text here\n", "b__txt": "one more\n"}])  # fmt: skip
def test_a_folder_without_splits_and_of_several_formats_is_refused(files, tmp_path):
    put(tmp_path, **files)
    with pytest.raises(DataError, match="not recognised"):
        read(tmp_path, PLAIN)
    with pytest.raises(DataError, match="no file in this folder"):
        read(tmp_path, DataSection(format="folder"))


def test_a_split_in_two_formats_is_refused_as_its_rows_would_count_twice(tmp_path):
    row = '{"text": "a", "label": "x"}\n'
    put(tmp_path, train__csv="text,label\na,x\n", train__jsonl=row, test__csv="text,label\n")
    with pytest.raises(DataError, match=r"train stands there in several formats") as caught:
        read(tmp_path, PLAIN)
    assert "train.csv, train.jsonl" in str(caught.value)


def test_the_hub_layout_in_a_local_folder(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
    (tmp_path / "d" / "data").mkdir(parents=True)
    for split, labels in {"train": [1, 0], "validation": [0], "test": [-1]}.items():
        made = datasets.Dataset.from_dict({"text": [f"{split} é"] * len(labels), "label": labels}, features=features)
        made.to_parquet(str(tmp_path / "d" / "data" / f"{split}-00000-of-00001.parquet"))
    table = read(f"hf:{tmp_path / 'd'}", PLAIN)
    assert table.values("label") == ["pos", "neg", "neg", None]
    assert splits(table) == ["train", "train", "valid", "test"]
    assert table.row.tolist() == [1, 2, 1, 1]
    assert str(table.place(2)) == f"hf:{tmp_path / 'd'} validation row 1"


def test_the_hub_layout_with_csv_and_configurations(tmp_path):
    pytest.importorskip("datasets")
    (tmp_path / "d").mkdir()
    write_csv(tmp_path / "d" / "train.csv", [("a", "x"), ("b", "y")])
    write_csv(tmp_path / "d" / "other.csv", [("c", "z")])
    (tmp_path / "d" / "README.md").write_text(
        "---\nconfigs:\n- config_name: one\n  data_files: train.csv\n- config_name: two\n  data_files: other.csv\n---\n"
    )
    assert read(f"hf:{tmp_path / 'd'}:two", PLAIN).values("text") == ["c"]
    with pytest.raises(DataError, match=r"cannot be loaded[\s\S]*configuration"):
        read(f"hf:{tmp_path / 'd'}:three", PLAIN)


def test_scripts_and_missing_folders_are_refused(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    marker = tmp_path / "ran"
    (tmp_path / "d" / "d.py").write_text(f"open({str(marker)!r}, 'w')")
    with pytest.raises(DataError, match=r"is a script[\s\S]*d\.py"):
        read(f"hf:{tmp_path / 'd'}", PLAIN)
    assert not marker.exists()
    with pytest.raises(DataError, match="no such folder"):
        read(f"hf:{tmp_path / 'e'}", PLAIN)


@pytest.mark.parametrize(("package", "extra"), [("datasets", "hub"), ("openpyxl", "excel")])
def test_a_missing_package_is_named_with_its_extra(package, extra, tmp_path, monkeypatch):
    pytest.importorskip(package)
    path = write_excel(tmp_path / "a.xlsx", [("a", "b")]) if extra == "excel" else f"hf:{tmp_path}"
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingExtra, match=rf"bertune\[{extra}\]"):
        read(path, PLAIN)


def test_excel_values_sheets_and_row_numbers(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["text", "label"])
    other = book.create_sheet("Zweites Blatt")
    for row in (["text", "label", "when"], ["=1+1", 1], [], ["café", 2.5], [None, True]):
        other.append(row)
    book.save(tmp_path / "a.xlsx")
    assert len(read(tmp_path / "a.xlsx", PLAIN)) == 0
    table = read(f"{tmp_path / 'a.xlsx'}#Zweites Blatt", PLAIN)
    assert table.values("text") == [None, "café", None]
    assert table.values("label") == ["1", "2.5", "true"]
    assert table.row.tolist() == [1, 2, 3] and table.line.tolist() == [2, 4, 5]
    assert str(table.place(1)).endswith("#Zweites Blatt row 2 (line 4)")
    assert table.facts["sheet"] == "Zweites Blatt"


@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_json])
def test_gzip_of_the_text_forms(write, tmp_path):
    rows = [("one\ntwo", "a"), ("文", "b")]
    path = packed(write(tmp_path / f"a.{write.__name__.removeprefix('write_')}", rows))
    table = read(path, DataSection(encoding="utf-8"))
    assert list(zip(table.values("text"), table.values("label"), strict=True)) == rows


def test_a_json_file_with_an_object_a_line_is_read_as_such(tmp_path):
    path = write_jsonl(tmp_path / "a.json", [("a", "b"), ("c", "d")])
    assert read(path, PLAIN).facts["format"] == "jsonl"


def test_a_parquet_file_under_another_name_is_recognised(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [("a", "b")])
    assert read(path.rename(tmp_path / "blob"), PLAIN).facts["format"] == "parquet"


def test_one_column_of_texts_with_commas_needs_no_quotes(tmp_path):
    (tmp_path / "a.txt").write_text("text\nHello, world\nNo comma\nOne, two, three\n")
    table = read(tmp_path / "a.txt", PLAIN)
    assert table.values("text") == ["Hello, world", "No comma", "One, two, three"]
    assert table.facts["delimiter"] == "none (one column)"


def test_delimiter_is_told_by_consistency_not_by_frequency(tmp_path):
    rows = [("a, b, c, d", "x"), ("e, f", "y"), ("g; h", "x")] * 5
    table = read(write_csv(tmp_path / "a.csv", rows, delimiter=";"), PLAIN)
    assert table.facts["delimiter"] == "semicolon (recognised)"
    assert table.values("text") == [text for text, _ in rows]


def test_a_ragged_row_does_not_change_the_delimiter(tmp_path):
    rows = [("a", "x")] * 30
    path = write_csv(tmp_path / "a.csv", rows)
    with open(path, "a", newline="") as handle:
        csv.writer(handle).writerow(["b", "y", "z"])
    with pytest.raises(DataError, match=r"row 31.*3 fields"):
        read(path, PLAIN)


def test_columns_of_parquet_that_hold_lists_are_kept(tmp_path):
    pq.write_table(pa.table({"tokens": [["a", "b"], None], "text": ["x", "y"]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", PLAIN).values("tokens") == [["a", "b"], None]
