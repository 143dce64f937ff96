"""Runs Python in a process of its own: memory and processor time bounded, and every write and every call out noted."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WATCH = """
import json, os, sys
_place, _notes = sys.argv[1], []
def _watch(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        mode, flags = args[1] or "", args[2] if isinstance(args[2], int) else 0
        if set(mode) & set("wax+") or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            _note("write", os.fsdecode(args[0]))
    elif event in ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.symlink", "os.link",
                   "os.truncate"):
        _note("write", os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else str(args[0]))
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect",
                   "socket.getaddrinfo", "pickle.find_class"):
        _note(event, repr(args)[:200])
def _note(event, what):
    if event == "write":
        whole = os.path.realpath(what)
        if whole.startswith((_place + os.sep, "/dev/", "/proc/self")) or whole == _place:
            return
    _notes.append([event, what])
sys.addaudithook(_watch)
"""
END = """
print(json.dumps({"notes": _notes, "said": said}))
"""


@dataclass
class Outcome:
    """What a process gave back: `said` by the code, `notes` of what it did outside its folder, its end."""

    said: Any = None
    notes: list[list[str]] = field(default_factory=list)
    code: int = 0
    err: str = ""
    out: str = ""


def play(code: str, place: Path, *arguments: str, gigabytes: float = 1.5, seconds: int = 120) -> Outcome:
    """Run code that fills `said`; `arguments` are sys.argv[2:]. Its home, work and temporary folders lie in `place`."""
    (place / "home").mkdir(exist_ok=True)
    command = [sys.executable, "-c", WATCH + code + END, str(place.resolve()), *arguments]
    done = _run(command, place, gigabytes, seconds)
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"notes"')]
    found = json.loads(lines[-1]) if lines else {}
    return Outcome(found.get("said"), found.get("notes", []), done.returncode, done.stderr, done.stdout)


def command_line(place: Path, arguments: Sequence[str], gigabytes: float = 4, seconds: int = 200) -> Outcome:
    """Run the command line of bertune, watched alike."""
    code = (
        "said = None\nsys.argv = ['bertune', *sys.argv[2:]]\nfrom bertune.cli.main import run\n"
        "try:\n    run()\nexcept SystemExit as stop:\n    said = stop.code\n"
    )
    found = play(code, place, *arguments, gigabytes=gigabytes, seconds=seconds)
    found.out = "".join(line for line in found.out.splitlines(keepends=True) if not line.startswith('{"notes"'))
    return found


def _run(command: list[str], place: Path, gigabytes: float, seconds: int) -> subprocess.CompletedProcess[str]:
    def bounded() -> None:
        room = int(gigabytes * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (room, room))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))

    home = str(place / "home")
    settings = {
        "HOME": home, "HF_HOME": home, "TMPDIR": home, "XDG_CACHE_HOME": home, "MPLCONFIGDIR": home,
        "TORCHINDUCTOR_CACHE_DIR": home, "HF_HUB_OFFLINE": "1",
        "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
        "RUST_BACKTRACE": "0", "ARROW_DEFAULT_MEMORY_POOL": "system",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
    }  # fmt: skip
    return subprocess.run(
        command, cwd=place, env=os.environ | settings, capture_output=True, text=True, preexec_fn=bounded, check=False,
        encoding="utf-8", timeout=600,
    )  # fmt: skip
