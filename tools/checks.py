"""./dev check: every static check, each with its seconds, all of them even when one fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from tools import lock
from tools.places import ROOT
from tools.progress import step
from tools.testing import throw_away_servers

SOURCES = ["."]


@dataclass
class Check:
    """One check: a program with its arguments, run in the environment of the tests plus `more`."""

    name: str
    arguments: list[str]
    more: dict[str, str] = field(default_factory=dict)


def checks() -> Iterator[Check]:
    python = sys.executable
    application = {"DJANGO_SETTINGS_MODULE": "frontdesk.settings"}
    production = {
        **application,
        "FRONTDESK_MODE": "production",
        "PUBLIC_URL": "https://desk.example",
        "TWILIO_BASE_URL": "",
    }
    yield Check("format", ["ruff", "format", "--check", *SOURCES, "dev"])
    yield Check("lint", ["ruff", "check", *SOURCES, "dev"])
    yield Check("types", ["mypy"], application)
    yield Check("import contract", ["lint-imports"], application)
    yield Check("migrations", [python, "manage.py", "makemigrations", "--check", "--dry-run"], application)
    yield Check(
        "production settings",
        [python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        production,
    )
    yield Check("templates", ["djlint", "templates", "--lint", "--quiet"])


def _run(check: Check, variables: dict[str, str]) -> str:
    """Run one check and return what it complained about, empty when it is content."""
    with step(check.name) as shown:
        if shutil.which(check.arguments[0]) is None:
            done_text, failed = f"{check.arguments[0]} is not installed", True
        else:
            done = subprocess.run(
                check.arguments,
                cwd=ROOT,
                env={**variables, **check.more},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            done_text, failed = done.stdout, done.returncode != 0
        shown.failed = failed
    return done_text.strip() or "failed without a word" if failed else ""


def command(arguments: list[str]) -> int:
    """Run all checks, or those whose names are given; 0 when every one is content."""
    wanted = [c for c in checks() if not arguments or any(a in c.name for a in arguments)]
    complaints: dict[str, str] = {}
    if wanted:
        with throw_away_servers() as variables:
            complaints = {c.name: complaint for c in wanted if (complaint := _run(c, variables))}
    if not arguments or "lock" in arguments:
        with step("lock") as shown:
            faults = lock.faults()
            shown.failed = bool(faults)
        if faults:
            complaints["lock"] = "\n".join(faults)
    for name, complaint in complaints.items():
        print(f"\n── {name} " + "─" * (60 - len(name)) + f"\n{complaint}")
    if complaints:
        print(f"\nNot ready: {', '.join(complaints)} failed.")
        return 1
    print("\nAll checks passed.")
    return 0
