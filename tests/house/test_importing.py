"""Importing bertune does nothing but define, and importing little of it stays light."""

import subprocess
import sys

import house_rules as house

HEAVY = ("torch", "transformers", "pyarrow", "pandas", "sklearn", "scipy", "matplotlib", "numpy")

# Everything is imported in a new interpreter, with what an import could spoil looked at before and after.
EVERYTHING = """
import importlib, os, random, signal, sys, threading, warnings
import numpy, torch, transformers, sklearn.linear_model, matplotlib, pyarrow.parquet  # their effects are not ours
def state():
    return {
        "environment": {k: v for k, v in os.environ.items() if k != "USE_HUB_KERNELS"},
        "numpy": str(numpy.random.get_state()), "torch": torch.get_rng_state().tolist(), "random": random.getstate(),
        "threads": torch.get_num_threads(), "determinism": torch.are_deterministic_algorithms_enabled(),
        "running": threading.active_count(), "folder": sorted(os.listdir(".")), "dtype": torch.get_default_dtype(),
        "signals": [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)], "hook": sys.excepthook,
        "backend": matplotlib.rcParams["backend"], "gradients": torch.is_grad_enabled(),
    }
before = state()
for name in sys.argv[1:]:
    importlib.import_module(name)
after = state()
print([key for key in before if before[key] != after[key]])
"""


def _python(code: str, *arguments: str, folder=None) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_importing_everything_has_no_effects(tmp_path):
    paths = [path.removesuffix(".py").removesuffix("/__init__") for path in house.read_tree()]
    names = [f"bertune.{path.replace('/', '.')}" for path in paths if path not in ("__init__", "__main__")]
    trackers = ("mlflow", "wandb", "trackio", "tensorboard")
    assert _python(EVERYTHING, *[n for n in names if not n.endswith(trackers)], folder=tmp_path) == "[]\n"


def test_importing_bertune_is_light():
    assert _python(f"import sys, bertune; print([m for m in {HEAVY} if m in sys.modules])") == "[]\n"
    assert _python("import sys, bertune; print(sorted(bertune.__all__) == sorted(set(bertune.__all__)))") == "True\n"
