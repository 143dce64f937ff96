"""Every look at labelled rows is noted in run.json, and too many looks at the same ones are told."""

from datetime import UTC, datetime
from typing import Any

from bertune.base.errors import BertuneError
from bertune.base.openings import FEW_OPENINGS, times_opened
from bertune.base.types import Ints, Roles, Table
from bertune.data.table import digest
from bertune.runs.folder import Folder
from bertune.runs.telling import Teller


def rows_digest(table: Table, rows: Ints, roles: Roles) -> str:
    """The digest of labelled rows (positions in a table), by which looks at the same ones are counted."""
    columns = [c for c in (roles.text, roles.text_pair, roles.label) if c is not None]
    return digest(table.take(rows), columns)


def opening(data_digest: str | None, rows: int, why: str) -> dict[str, Any]:
    """The entry of a look in run.json: when, at which rows, how many, why."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_digest": data_digest,
        "rows": rows,
        "why": why,
    }


def log_opening(run: Folder, data_digest: str | None, rows: int, why: str, teller: Teller) -> None:
    """Note a look: when, at which rows (by digest), how many, why; warn where these were looked at often.

    The run must not be locked by this process. A folder without a record is left alone.
    """
    if not run.record_path.is_file():
        return
    try:
        with run.locked():
            openings = [*run.record().get("test_openings", []), opening(data_digest, rows, why)]
            run.write_record(test_openings=openings)
    except (BertuneError, OSError) as error:
        teller.warn(f"this look at the rows could not be noted in run.json ({type(error).__name__})")
        return
    times = times_opened(openings, data_digest)
    if times > FEW_OPENINGS:
        teller.warn(f"these rows have been looked at {times} times: choosing by them flatters the score; keep new ones "
                    "for the last test")  # fmt: skip
