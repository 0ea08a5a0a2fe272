"""The commands behind ./dev; each is imported only when it is called, so that one starts quickly."""

from __future__ import annotations

import importlib
import sys

from tools.places import Trouble

COMMANDS = {
    "demo": ("tools.supervisor", "open the desk with demo data: [--port N] [--fresh]"),
    "test": ("tools.testing", "run the tests on real servers: [--no-browser] [pytest arguments]"),
    "check": ("tools.checks", "format, lint, types, import contract, migrations, templates, lock"),
    "manage": ("tools.manage", "run manage.py against the demo's servers"),
    "bench": ("tools.bench", "measure the pages beside their floors"),
    "drill": ("tools.drills", "break things on purpose: messaging [--seeds N] [--quick]"),
    "lock": ("tools.lock", "write the locks anew from pyproject.toml: [--upgrade]"),
}


def usage() -> str:
    return "\n".join(["Usage: ./dev COMMAND", *(f"  {n:<8} {about}" for n, (_, about) in COMMANDS.items())])


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0
    if arguments[0] not in COMMANDS:
        print(f"There is no command '{arguments[0]}'.\n{usage()}", file=sys.stderr)
        return 2
    module = importlib.import_module(COMMANDS[arguments[0]][0])
    try:
        return int(module.command(arguments[1:]))
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
