"""Model folders of strangers: no code of theirs runs, nothing is allocated on their word, nothing outside is read."""

import json
import shutil
from pathlib import Path

import pytest
from sandbox import play

# Each changes a copy of a sound model; the words that the refusal has, or None where the folder is used all the same.
EVIL = "open(__import__('os').environ['HOME'] + '/canary', 'w').close()\n"
PICKLE = b"cos\nsystem\n(S'touch $HOME/canary'\ntR."
LOAD = """
from pathlib import Path
from bertune.base.errors import BertuneError
from bertune.base.model_files import code_named
from bertune.data.tokenizer import TextTokenizer
from bertune.model.encoder import load
said = {}
for path in map(Path, sys.argv[2:]):
    try:
        tokenizer = TextTokenizer(path)
        ids = [int(n) for part in tokenizer.encode(["good film", "a" * 5000 + "!"], None, 32) for n in part.lengths]
        model = load(path, "sequence_classification", ("a", "b"), tokenizer.pad_id)
        kept = str(model.network.config.to_dict())
        said[path.name] = ["used", kept, sorted(code_named(path))]
    except BertuneError as error:
        said[path.name] = ["refused", str(error), []]
    except BaseException as error:
        said[path.name] = ["broke", f"{type(error).__name__}: {error}", []]
"""


def config(**values):
    return lambda folder: change(folder / "config.json", lambda raw: raw.update(values))


def tokenizer(**values):
    return lambda folder: change(folder / "tokenizer.json", lambda raw: raw.update(values))


def tokenizer_config(**values):
    return lambda folder: change(folder / "tokenizer_config.json", lambda raw: raw.update(values))


def change(path, how):
    raw = json.loads(path.read_text(encoding="utf-8"))
    how(raw)
    path.write_text(json.dumps(raw), encoding="utf-8")


def pickled_alone(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(PICKLE)


def code_beside(folder):
    (folder / "modeling.py").write_text(EVIL)
    config(auto_map={"AutoConfig": "modeling.C", "AutoModelForSequenceClassification": "modeling.M"})(folder)
    tokenizer_config(auto_map={"AutoTokenizer": ["modeling.T", "modeling.T"]})(folder)


def code_for_an_unknown_type(folder):
    code_beside(folder)
    config(model_type="evil")(folder)


def index(name):
    def made(folder):
        (folder / "model.safetensors").rename(folder / "part.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": {"a": name}}))

    return made


def weights(header, data=b"\0" * 16):
    def made(folder):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)

    return made


def a_link(name):
    def made(folder):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to("/etc/hostname")

    return made


def pattern(regex):
    split = {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
    return tokenizer(pre_tokenizer=split)


TENSOR = {"a": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 16]}}
CASES = {
    "sound": (lambda folder: None, None),
    "pickle beside": (lambda folder: (folder / "pytorch_model.bin").write_bytes(PICKLE), None),
    "pickle alone": (pickled_alone, "bertune reads no pickle"),
    "code beside": (code_beside, None),
    "code for an unknown type": (code_for_an_unknown_type, "runs no code"),
    "attention from the hub": (config(_attn_implementation_internal="evil/kernel", attn_implementation="evil/k"), None),
    "nested attention": (config(text_config={"_attn_implementation_internal": "evil/kernel"}), None),
    "kernels": (config(use_kernels=True, kernel_config={"x": "evil/kernel"}), None),
    "weights elsewhere": (config(transformers_weights="../../../etc/hostname"), None),
    "quantization": (config(quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True}), None),
    "a huge width": (config(hidden_size=10**9), "hidden_size in config.json is beyond"),
    "a huge vocabulary": (config(vocab_size=10**12), "vocab_size in config.json is beyond"),
    "a large vocabulary": (config(vocab_size=9_000_000), "describes another model than the weights"),
    "a wide inner layer": (config(intermediate_size=9_000_000), "describes another model than the weights"),
    "a million layers": (config(num_hidden_layers=10**6), "num_hidden_layers in config.json is beyond"),
    "a number too long": (config(vocab_size=-(10**300)), "beyond any encoder"),
    "a shape without data": (weights(TENSOR), "claims 1,000,000,000,000 numbers in 16 bytes"),
    "a negative shape": (weights({"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}}), "has no shape"),
    "data beyond the file": (weights({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}), "claims"),
    "a header beyond the file": (weights(b"\xff" * 8, b""), "cannot be read"),
    "a header of lists": (weights(b"[" * 100_000), "cannot be read"),
    "an index that climbs": (index("../../../../etc/passwd"), "no file of the folder"),
    "an absolute index": (index("/etc/hostname.safetensors"), "no file of the folder"),
    "an index to a drive": (index("C:\\x.safetensors"), "no file of the folder"),
    "an index to a server": (index("\\\\server\\x.safetensors"), "no file of the folder"),
    "an adapter": (lambda f: (f / "adapter_config.json").write_text('{"base_model_name_or_path": "x/y"}'), "adapter"),
    "a linked vocabulary": (a_link("vocab.txt"), "leads out of the model's folder"),
    "a linked config": (a_link("config.json"), "leads out of the model's folder"),
    "a list as config": (lambda folder: (folder / "config.json").write_text("[]"), "[refused]"),
    "a deep config": (lambda folder: (folder / "config.json").write_text("[" * 100_000), "[refused]"),
    "a deep tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("[" * 100_000), "cannot be read"),
    "an empty tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be read"),
    "another vocabulary": (tokenizer_config(vocab_file="/etc/hostname", tokenizer_file="/etc/hostname"), None),
    "a length of words": (tokenizer_config(model_max_length="many"), "cannot be read"),
    "another tokenizer": (
        lambda folder: change(folder / "tokenizer.json", lambda raw: raw["model"]["vocab"].update(good=5_000)),
        "the tokenizer is not the model's",
    ),
    "a panic": (tokenizer(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}), "cannot be read"),
    "a repeated repetition": (pattern("(a+)+$"), "exponential time"),
    "a hidden repetition": (pattern("(?:x|(?:[^)]*y?)*)+b"), "exponential time"),
    "an ambiguous choice": (pattern("(a|aa)+$"), "gave up on a text"),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, tiny):
    place = tmp_path_factory.mktemp("models")
    sound = tiny("bert")
    folders = []
    for name, (how, _) in CASES.items():
        folder = place / name.replace(" ", "_")
        shutil.copytree(sound, folder)
        how(folder)
        folders.append(str(folder))
    found = play(LOAD, place, *folders, gigabytes=4)
    assert found.said is not None, found.err[-2000:]
    return found, place


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_model_is_refused_or_used_without_its_code(name, outcomes):
    found, place = outcomes
    end, text, _ = found.said[name.replace(" ", "_")]
    words = CASES[name][1]
    assert end == ("used" if words is None else "refused"), text
    if words is not None and words != "[refused]":
        assert words in text
    if end == "refused":
        assert str(place) in text
    else:
        assert "evil" not in text.replace(str(place), "")


def test_nothing_of_theirs_ran_and_nothing_outside_was_touched(outcomes):
    found, place = outcomes
    assert found.notes == []
    assert not (place / "home" / "canary").exists()


def test_what_asks_for_code_is_named(outcomes):
    said = outcomes[0].said
    assert said["code_beside"][2] == [
        "auto_map in config.json",
        "auto_map in tokenizer_config.json",
        "the file modeling.py",
    ]
    assert said["nested_attention"][2] == ["_attn_implementation_internal in config.json"]
    assert said["sound"][2] == []


def test_the_cases_would_do_harm_where_code_ran(tmp_path, monkeypatch):
    """The canary is no dummy: the code and the pickle of the cases make it when they are run."""
    import pickle

    monkeypatch.setenv("HOME", str(tmp_path))
    exec(EVIL)
    assert (tmp_path / "canary").exists()
    (tmp_path / "canary").unlink()
    pickle.loads(PICKLE)
    assert (tmp_path / "canary").exists()


def test_a_folder_of_the_hubs_cache_is_used(tmp_path, tiny):
    """Its files are links into the blobs beside the snapshots."""
    from bertune.base.model_files import check_folder

    snapshot = tmp_path / "models--a--b" / "snapshots" / "0123"
    blobs = tmp_path / "models--a--b" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, file in enumerate(sorted(Path(tiny("bert")).iterdir())):
        shutil.copy(file, blobs / str(number))
        (snapshot / file.name).symlink_to(Path("..") / ".." / "blobs" / str(number))
    check_folder(snapshot)
