"""Finding a browser: the named one wins, and one that does not start is never taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import browser
from tools.places import Trouble


def program(path: Path, status: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any browser, and where none can be installed."""
    for name in ("BROWSER_EXE", "PLAYWRIGHT_BROWSERS_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(browser, "MAC", ())
    monkeypatch.setattr(browser, "_try", lambda *command: False)
    return tmp_path


def test_the_named_browser_wins(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(nothing / "bin" / "chromium", 0)
    named = program(nothing / "mine", 0)
    monkeypatch.setenv("BROWSER_EXE", str(named))
    assert browser.find() == named


def test_a_named_browser_that_does_not_start_is_said(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_EXE", str(nothing / "missing"))
    with pytest.raises(Trouble, match="does not start"):
        browser.find()


def test_playwrights_own_build_comes_before_the_systems(nothing: Path) -> None:
    system = program(nothing / "bin" / "chromium", 0)
    cache = nothing / ".cache" / "ms-playwright" / "chromium_headless_shell-1200" / "chrome-linux"
    own = program(cache / "headless_shell", 0)
    assert browser.find() == own
    program(own, 127)
    assert browser.find() == system


def test_without_any_the_commands_to_run_are_said(nothing: Path) -> None:
    with pytest.raises(
        Trouble, match=r"playwright install[^\n]*\n[^\n]*apt-get install[^\n]*\n.*--no-browser"
    ):
        browser.find_or_install()
