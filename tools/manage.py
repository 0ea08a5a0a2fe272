"""./dev manage: manage.py against the demo's servers, started for the command when the demo is closed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tools import environment
from tools.demo_state import DemoLock, demo_servers
from tools.places import DEMO_STATE, ROOT, Trouble
from tools.progress import step

# Only these need the owner of the tables; everything else runs as the role that row security binds.
OWNERS = {"migrate"}


def manage_py(variables: dict[str, str], arguments: list[str]) -> list[str]:
    """The command line of manage.py; for a migration, puts the owner's address into `variables`."""
    if arguments and arguments[0] in OWNERS:
        variables["DATABASE_URL"] = variables["DATABASE_OWNER_URL"]
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def command(arguments: list[str]) -> int:
    """Run manage.py and return its exit status."""
    lock = DemoLock()
    if not lock.take("manage"):
        return _beside_the_demo(arguments)
    with lock:
        environment.demo_secrets()
        both = demo_servers()
        try:
            with step("Postgres and Valkey"):
                addresses = {**both.start_postgres(), **both.start_valkey()}
            variables = environment.for_demo(addresses)
            return subprocess.run(manage_py(variables, arguments), env=variables, check=False).returncode
        finally:
            both.stop()


def _beside_the_demo(arguments: list[str]) -> int:
    """Use the servers of the running demo, whose addresses it wrote down."""
    if not DEMO_STATE.exists():
        raise Trouble(
            "Another ./dev command is using the demo's servers, or the demo is still starting. "
            "Try again in a moment."
        )
    given: dict[str, str] = json.loads(DEMO_STATE.read_text())["environment"]
    variables = {**os.environ, **given}
    return subprocess.run(manage_py(variables, arguments), env=variables, check=False).returncode
