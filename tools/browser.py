"""The browser for the tests: the first one found, installed when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.places import Trouble

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
APT = "apt-get install -y --no-install-recommends chromium fonts-dejavu-core"


def _playwrights_own() -> Iterator[Path]:
    """The builds that Playwright downloaded, newest first."""
    places = [Path.home() / ".cache" / "ms-playwright", Path.home() / "Library" / "Caches" / "ms-playwright"]
    if named := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        places.insert(0, Path(named))
    patterns = (
        "chromium_headless_shell-*/*/headless_shell",
        "chromium_headless_shell-*/*/chrome-headless-shell",
        "chromium-*/*/chrome",
        "chromium-*/*/Chromium.app/Contents/MacOS/Chromium",
    )
    for place in places:
        for pattern in patterns:
            yield from sorted(place.glob(pattern), reverse=True)


def _candidates() -> Iterator[Path]:
    yield from _playwrights_own()
    for name in NAMES:
        if (program := shutil.which(name)) is not None:
            yield Path(program)
    yield from (Path(program) for program in MAC)


def _starts(program: Path) -> bool:
    """Whether the program is there and has the libraries it needs."""
    if not program.exists():
        return False
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def find() -> Path | None:
    """The browser to use, or None; raises Trouble when BROWSER_EXE names one that does not start."""
    if named := os.environ.get("BROWSER_EXE"):
        if _starts(Path(named)):
            return Path(named)
        raise Trouble(f"BROWSER_EXE names {named}, which does not start.")
    return next((program for program in _candidates() if _starts(program)), None)


def _try(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def find_or_install() -> Path:
    """The browser to use, installed if need be; raises Trouble with the commands to run by hand."""
    if (found := find()) is not None:
        return found
    _try(sys.executable, "-m", "playwright", "install", "chromium-headless-shell")
    if (found := find()) is not None:
        return found
    if os.geteuid() == 0 and shutil.which("apt-get") is not None and _try("apt-get", "update"):
        _try(*APT.split())
    if (found := find()) is not None:
        return found
    raise Trouble(
        "The browser tests need Chromium, and none was found or could be installed. Run one of these:\n"
        "  .venv/bin/python -m playwright install --with-deps chromium-headless-shell\n"
        f"  sudo apt-get update && sudo {APT}\n"
        "or set BROWSER_EXE to a Chromium or Chrome, or leave these tests out: ./dev test --no-browser"
    )
