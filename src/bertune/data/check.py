"""All checks of the data, one after another."""

from bertune.base import registry
from bertune.base.settings import build
from bertune.base.types import Finding, View

_ORDER = {"error": 0, "warning": 1, "note": 2}


def check(view: View) -> list[Finding]:
    """The findings of every check and of the task, the gravest first, then by code."""
    findings = [finding for name in registry.names("checks") for finding in build(registry.load("checks", name))(view)]
    findings += view.noticed
    return sorted(findings, key=lambda finding: (_ORDER[finding.severity], finding.code, finding.message))
