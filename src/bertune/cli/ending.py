"""How a command ends: exit codes, and messages without a traceback for what the user can mend."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from bertune.base.errors import BertuneError


@contextmanager
def ending() -> Iterator[None]:
    """Turn what a command raises into a message and an exit code."""
    try:
        yield
    except BertuneError as error:
        _tell(error.text(), type(error).__name__)
        sys.exit(2)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _tell("stopped; nothing was lost.", "Interrupted")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _tell(
            f"{place}{error.strerror or error}\n  next      free space or permissions, then bertune resume RUN",
            "OSError",
        )
        sys.exit(2)
    except BaseException as error:
        number = getattr(error, "number", None)
        if type(error).__name__ != "Interrupted" or number is None:
            raise
        _tell("stopped by a signal; bertune resume RUN goes on from here.", "Interrupted")
        sys.exit(130 if number == signal.SIGINT else 3)


def _tell(text: str, kind: str) -> None:
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"topic": "error", "kind": kind, "text": text}, ensure_ascii=False) + "\n")
    sys.stderr.write(text + "\n")
