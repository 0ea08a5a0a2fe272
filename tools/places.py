"""Where things are kept on a developer's machine."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / ".run"
LOGS = RUN / "logs"
DEMO_POSTGRES = RUN / "postgres"
DEMO_VALKEY = RUN / "valkey"
DEMO_ENV = RUN / "demo.env"
DEMO_STATE = RUN / "demo.json"
DEMO_LEDGER = RUN / "supplier-ledger"
DEMO_LOCK = RUN / "demo.lock"
TEMPLATES = RUN / "templates"
TEST_RUNS = RUN / "tests"


class Trouble(Exception):
    """Something a person has to know or do; its text is shown as it is, without a traceback."""


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, for a message; empty when there is no log."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
