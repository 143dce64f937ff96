"""Shards answered by two workers of Ray: the same answers, nothing lost with a worker, no ear to the network."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from api_data import single_rows

from bertune.runs.predict_shards import Wanted, predict_shards
from bertune.runs.telling import Silent

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="processes are killed as on Unix")]
pytest.importorskip("ray", reason="pip install -c constraints.txt -e '.[distributed]'")

FILES = 5
NAMES = [f"{number}.csv.parquet" for number in range(FILES)]
MOST_SECONDS = 900  # some twenty on a quiet machine


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files of texts."""
    folder = tmp_path_factory.mktemp("texts")
    for number in range(FILES):
        lines = ["text", *single_rows(60, seed=number)["text"]]
        (folder / f"{number}.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def by_two(run: Path, texts: Path, out: Path, meanwhile: Callable[[psutil.Process], None]) -> tuple[int, str]:
    """Exit code and what is said of two workers, with the number of threads of this process."""
    command = [sys.executable, "-m", "bertune", "predict", str(run), str(texts), "--shards", str(out), "--workers", "2"]
    quiet = {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | quiet) as process:
        threading.Thread(target=meanwhile, args=(psutil.Process(process.pid),), daemon=True).start()
        try:
            said = process.communicate(timeout=MOST_SECONDS)[1]
        finally:
            process.kill()
    return process.returncode, said


def by_one(run: Path, texts: Path, out: Path) -> None:
    """The answers of one worker in this process."""
    assert predict_shards(str(run), str(texts), Wanted(str(out)), {}, Silent())


def seen(process: psutil.Process) -> Iterator[float]:
    """Moments, as long as the process runs."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        yield time.monotonic()
        time.sleep(0.1)


def ears(process: psutil.Process) -> set[str]:
    """The addresses that a process and those it started listen at."""
    found = set()
    for one in [process, *process.children(recursive=True)]:
        try:
            found |= {c.laddr.ip for c in one.net_connections("inet") if c.status == psutil.CONN_LISTEN}
        except psutil.Error:  # gone meanwhile
            continue
    return found


def test_two_workers_answer_as_one_and_listen_to_this_machine_alone(
    trained: Callable[..., Path], texts: Path, tmp_path: Path
) -> None:
    heard: set[str] = set()

    def listen(process: psutil.Process) -> None:
        for _ in seen(process):
            heard.update(ears(process))

    code, said = by_two(trained(), texts, tmp_path / "two", listen)
    assert code == 0, said
    by_one(trained(), texts, tmp_path / "one")
    for name in NAMES:
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert heard and {address.removeprefix("::ffff:") for address in heard} == {"127.0.0.1"}


def test_workers_that_are_killed_leave_the_others_and_a_further_run_does_the_rest(
    trained: Callable[..., Path], texts: Path, tmp_path: Path
) -> None:
    """Both of the first workers are killed, so that every worker has died once."""
    out = tmp_path / "out"
    killed: set[str] = set()

    def kill(process: psutil.Process) -> None:
        for _ in seen(process):
            for name in {*NAMES[:2]} - killed:
                begun = out / "_done" / f"{name}.begun"
                if begun.exists() and (words := begun.read_text(encoding="utf-8").split()):
                    psutil.Process(int(words[1])).kill()
                    killed.add(name)

    code, said = by_two(trained(), texts, out, kill)
    assert code == 1 and killed == {*NAMES[:2]}, said
    for name in killed:
        assert f"{name} not answered: its worker died" in said
    kept = {name: (out / name).stat().st_mtime_ns for name in NAMES if (out / name).exists()}
    assert set(kept) == set(NAMES) - killed
    code, said = by_two(trained(), texts, out, lambda process: None)
    assert code == 0 and "5 shards · 3 done before" in said, said
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept
    by_one(trained(), texts, tmp_path / "one")
    for name in NAMES:
        assert (out / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
