"""`python -m bertune` is the command line."""

from bertune.cli.main import run

run()
