"""The browser of these tests: the one ./dev test found, else the first one on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from tools import browser


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the found browser instead of asking Playwright for a build of its own."""
    program = browser.find_or_install()
    # Playwright adds --headless itself, in the spelling that the browser at hand knows.
    flags = [flag for flag in browser.FLAGS if flag != "--headless"]
    return {**browser_type_launch_args, "executable_path": str(program), "args": flags}
