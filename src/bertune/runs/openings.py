"""Every look at labelled rows is noted in run.json, and too many looks at the same ones are told."""

from datetime import UTC, datetime

from bertune.base.errors import BertuneError
from bertune.base.openings import FEW_OPENINGS, times_opened
from bertune.runs.folder import Folder
from bertune.runs.telling import Teller


def log_opening(run: Folder, digest: str | None, rows: int, why: str, teller: Teller) -> None:
    """Note a look: when, at which rows (by digest), how many, why; warn where these were looked at often.

    The run must not be locked by this process. A folder without a record is left alone.
    """
    if not run.record_path.is_file():
        return
    entry = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "data_digest": digest, "rows": rows, "why": why}
    try:
        with run.locked():
            openings = [*run.record().get("test_openings", []), entry]
            run.write_record(test_openings=openings)
    except (BertuneError, OSError) as error:
        teller.warn(f"this look at the rows could not be noted in run.json ({type(error).__name__})")
        return
    times = times_opened(openings, digest)
    if times > FEW_OPENINGS:
        teller.warn(f"these rows have been looked at {times} times: choosing by them flatters the score; keep new ones "
                    "for the last test")  # fmt: skip
