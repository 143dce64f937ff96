"""What is fuzzed: every reader, recipes, and the files of model and run folders. An outcome is a reading or a refusal.

A target plays bytes in a folder of its own. It returns when they were read well, raises BertuneError when they were
refused, and anything else it raises is a bug. A refusal must name the place, a reading must hold together.
"""

import contextlib
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bertune.base.errors import BertuneError, DataError, ModelError, Problem, RecipeError
from bertune.base.model_files import check_folder, code_named
from bertune.base.recipe import read_toml, resolve
from bertune.base.sections import DataSection
from bertune.data.table import read
from bertune.report.card import card
from bertune.report.folder import RunFolder
from bertune.runs.ask import ask

CORPUS = Path(__file__).parent / "corpus"
SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml."
WORKBOOK = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_KIND}sharedStrings+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{SHEETS}" xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r1"/>'
    "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{_OFFICE}/sharedStrings" '
    'Target="sharedStrings.xml"/></Relationships>',
}


@dataclass(frozen=True)
class Target:
    """`play(data, folder)` tries bytes; `kinds` are the tokens that its inputs are made of; `share` of all inputs."""

    play: Callable[[bytes, Path], None]
    kinds: tuple[str, ...]
    share: float = 1.0


def outcome(target: Target, data: bytes, folder: Path) -> str:
    """`read` or `refused`. Raises whatever else happens, and AssertionError for a refusal that names no place."""
    try:
        target.play(data, folder)
    except RecipeError as error:
        assert error.problems and all(isinstance(p, Problem) and p.key for p in error.problems), error
        assert len(str(error)) < 200_000, "a refusal as long as its input"
        return "refused"
    except BertuneError as error:
        if isinstance(error, (DataError, ModelError)):
            assert error.where and str(folder) in error.where, f"no place is named: {error}"
        assert len(str(error)) < 20_000, "a refusal as long as its input"
        return "refused"
    return "read"


def check_table(path: Path, settings: DataSection) -> None:
    """Read a source whole and look whether the table holds together."""
    table = read(path, settings)
    table.columns.validate(full=True)
    assert len(set(table.names)) == len(table.names)
    assert len(table.file) == len(table.row) == len(table.line) == len(table.given) == table.columns.num_rows
    assert (table.row > 0).all() and (table.line >= 0).all()
    assert not len(table) or int(table.file.max()) < len(table.files)


def file_target(name: str, **settings: str) -> Callable[[bytes, Path], None]:
    """Plays bytes as one file of a name."""

    def play(data: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(data)
        check_table(path, DataSection(**settings))

    return play


def _named_encoding(data: bytes, folder: Path) -> None:
    """The first line names encoding, delimiter, quoting and whether there is a header."""
    head, _, rest = data.partition(b"\n")
    words = [*head.decode("utf-8", "replace").split("/"), "auto", "auto"]
    path = folder / "rows.csv"
    path.write_bytes(rest)
    quoting = next((name for name in ("none", "backslash") if name.encode() in head), "standard")
    named = "no" if b"headless" in head else "auto"
    check_table(path, DataSection(encoding=words[0], delimiter=words[1], quoting=quoting, header=named))


def _excel(data: bytes, folder: Path) -> None:
    """A whole workbook; or, where it is no zip file, the XML of its sheet and of its shared strings."""
    path = folder / "rows.xlsx"
    if data.startswith(b"PK"):
        path.write_bytes(data)
    else:
        sheet, _, strings = data.partition(b"\n%%\n")
        with zipfile.ZipFile(path, "w") as book:
            for name, part in WORKBOOK.items():
                book.writestr(name, part)
            book.writestr("xl/worksheets/sheet1.xml", sheet)
            book.writestr("xl/sharedStrings.xml", strings or f'<sst xmlns="{SHEETS}"/>')
    check_table(path, DataSection())


def _glue(data: bytes, folder: Path) -> None:
    train, _, dev = data.partition(b"\n%%\n")
    (folder / "glue").mkdir(exist_ok=True)
    (folder / "glue" / "train.tsv").write_bytes(train)
    (folder / "glue" / "dev.tsv").write_bytes(dev or b"sentence\tlabel\na\t1\n")
    check_table(folder / "glue", DataSection(format="glue"))


def _folder(data: bytes, folder: Path) -> None:
    train, _, test = data.partition(b"\n%%\n")
    (folder / "files").mkdir(exist_ok=True)
    (folder / "files" / "train.csv").write_bytes(train)
    (folder / "files" / "test.jsonl").write_bytes(test)
    check_table(folder / "files", DataSection(format="folder"))


def _class_folder(data: bytes, folder: Path) -> None:
    shutil.rmtree(folder / "texts", ignore_errors=True)
    for number, text in enumerate(data.split(b"\n%%\n")[:8]):
        place = folder / "texts" / ("good", "bad", "unsup")[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_bytes(text)
    check_table(folder / "texts", DataSection(format="class_folder"))


def _brat(data: bytes, folder: Path) -> None:
    """Texts and their annotations by turns."""
    shutil.rmtree(folder / "brat", ignore_errors=True)
    (folder / "brat").mkdir()
    for number, piece in enumerate(data.split(b"\n%%\n")[:6]):
        (folder / "brat" / f"{number // 2}{('.txt', '.ann')[number % 2]}").write_bytes(piece)
    check_table(folder / "brat", DataSection(format="brat"))


def _hub(data: bytes, folder: Path) -> None:
    """A folder in the hub's layout: the kind of its file is told by the first bytes; a README may stand before it."""
    shutil.rmtree(folder / "set", ignore_errors=True)
    (folder / "set").mkdir()
    head, mark, rest = data.partition(b"\n%%\n")
    if mark:
        (folder / "set" / "README.md").write_bytes(head)
        data = rest
    suffix = "parquet" if data.startswith(b"PAR1") else "jsonl" if data.startswith((b"{", b"[")) else "csv"
    (folder / "set" / f"train.{suffix}").write_bytes(data)
    check_table(Path(f"hf:{folder / 'set'}"), DataSection())


def _recipe(data: bytes, folder: Path) -> None:
    path = folder / "recipe.toml"
    path.write_bytes(data)
    recipe = resolve(read_toml(path))
    path.write_text(recipe.as_toml(), encoding="utf-8")
    assert resolve(read_toml(path)).as_dict() == recipe.as_dict(), "a resolved recipe reads as another"


def _assignments(data: bytes, folder: Path) -> None:
    ask({}, data.decode("utf-8", "replace").split("\n%%\n"))


def _pieces(data: bytes, folder: Path, names: tuple[str, ...]) -> Path:
    """A fresh folder whose files are the pieces of the input, in the order of the names."""
    place = folder / "pieces"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name, piece in zip(names, data.split(b"\n%%\n"), strict=False):
        (place / name).write_bytes(piece)
    return place


def _model_config(data: bytes, folder: Path) -> None:
    """config.json and the header of the weights: whether a network may be built of them."""
    from bertune.model.config import check_size, check_weights, read_config

    place = _pieces(data, folder, ("config.json", "model.safetensors", "model.safetensors.index.json"))
    check_folder(place)
    code_named(place)
    stored = check_weights(place)
    config = read_config(place)
    from transformers import AutoModelForSequenceClassification

    check_size(config, AutoModelForSequenceClassification, stored, place)


def _tokenizer(data: bytes, folder: Path) -> None:
    """tokenizer.json and its config: read, and a few texts tokenized."""
    from bertune.data.tokenizer import TextTokenizer

    place = _pieces(data, folder, ("tokenizer.json", "tokenizer_config.json"))
    tokenizer = TextTokenizer(place)
    texts = ["a good film", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "\u5f88\u597d\U0001f600"]
    for part in tokenizer.encode(texts, None, 16):
        assert len(part.lengths) == len(texts) and int(part.lengths.sum()) == len(part.ids)


def _about(data: bytes, folder: Path) -> None:
    from bertune.evaluate.saved import read_about

    read_about(_pieces(data, folder, ("bertune.json",)))


def _run_folder(data: bytes, folder: Path) -> None:
    """The files of a run: its record, and the report made of them."""
    from bertune.report.page import render
    from bertune.report.words import Words
    from bertune.runs.folder import Folder

    names = ("run.json", "scores.json", "findings.json", "history.jsonl", "suspects.json", "recipe.toml")
    place = _pieces(data, folder, names)
    Folder(place).record()
    page = render(RunFolder(place), Words("en"))
    card(place)
    assert "<script>alert" not in page


def _checkpoint(data: bytes, folder: Path) -> None:
    """A checkpoint is sound, or said to be damaged."""
    from bertune.engine.checkpoint import newest_sound

    place = folder / "checkpoints"
    shutil.rmtree(place, ignore_errors=True)
    (place / "step-000001").mkdir(parents=True)
    manifest, _, state = data.partition(b"\n%%\n")
    (place / "step-000001" / "manifest.json").write_bytes(manifest)
    (place / "step-000001" / "state.json").write_bytes(state)
    found, passed = newest_sound(place)
    assert (found is None) == bool(passed)


TARGETS: dict[str, Target] = {
    "csv": Target(file_target("rows.csv"), ("text",), 2.0),
    "csv_named": Target(_named_encoding, ("text",)),
    "jsonl": Target(file_target("rows.jsonl"), ("json",)),
    "json": Target(file_target("rows.json"), ("json",), 2.0),
    "parquet": Target(file_target("rows.parquet"), ("binary",), 1.5),
    "excel": Target(_excel, ("xml",), 0.5),
    "glue": Target(_glue, ("text",), 0.5),
    "class_folder": Target(_class_folder, ("text",), 0.5),
    "conll": Target(file_target("rows.conll"), ("text", "tags")),
    "folder": Target(_folder, ("text", "json"), 0.5),
    "fasttext": Target(file_target("rows.txt", format="fasttext"), ("text",)),
    "lines": Target(file_target("rows.txt", format="lines"), ("text",), 0.5),
    "tagged_text": Target(file_target("rows.txt"), ("text", "tags"), 0.5),
    "squad": Target(file_target("rows.json", format="squad"), ("json",)),
    "label_studio": Target(file_target("rows.json", format="label_studio"), ("json",)),
    "brat": Target(_brat, ("text", "tags")),
    "hub": Target(_hub, ("text", "json"), 0.02),
    "recipe": Target(_recipe, ("toml",)),
    "model_config": Target(_model_config, ("json",)),
    "tokenizer": Target(_tokenizer, ("json",)),
    "about": Target(_about, ("json",), 0.5),
    "run_folder": Target(_run_folder, ("json",)),
    "checkpoint": Target(_checkpoint, ("json",), 0.5),
    "assignments": Target(_assignments, ("toml",)),
}


def prepared(name: str, folder: Path) -> None:
    """Imports what the target needs, so that memory limits and timings count the inputs alone."""
    for data in sorted((CORPUS / name).iterdir())[:3]:
        with contextlib.suppress(Exception):
            TARGETS[name].play(data.read_bytes(), folder)
