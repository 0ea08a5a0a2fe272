"""The browser of these tests, and the desk it opens: a uvicorn process on the suite's own database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote

import pytest
from django.conf import settings
from playwright.sync_api import Page

from tests.factories import PASSWORD
from tests.houses import free_port, with_path
from tools import browser

# Playwright's sync API keeps a loop running in this thread; the tests touch the database between its calls.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
START_SECONDS = 90


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the found browser instead of asking Playwright for a build of its own."""
    program = browser.find_or_install()
    # Playwright adds --headless itself, in the spelling that the browser at hand knows.
    flags = [flag for flag in browser.FLAGS if flag != "--headless"]
    return {**browser_type_launch_args, "executable_path": str(program), "args": flags}


@dataclass(frozen=True)
class Desk:
    """A running desk: pages and streams, on the database of the test."""

    url: str
    log: Path

    def sign_in(self, page: Page, email: str = "dana@frontdesk.example", then: str = "/") -> None:
        """Signs a person of the factories in through the page and opens the path `then`."""
        page.goto(f"{self.url}/account/login/?next={quote(then)}")
        page.locator("input[name=login]").fill(email)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("input[name=password]").press("Enter")
        page.wait_for_url(f"{self.url}{then}")


def desk_environment(port: int) -> dict[str, str]:
    """The environment of this run, pointed at the database that django_db_setup made."""
    database = with_path(os.environ["DATABASE_URL"], settings.DATABASES["default"]["NAME"])
    return {
        **os.environ,
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/account/login/", timeout=15):  # noqa: S310  # our own address
                return
        except HTTPError as refused:
            pytest.fail(f"The desk answers {refused.code}:\n{log.read_text()[-3000:]}")
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The desk did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def desk_process(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One server a worker: the same program as the demo's, on a free port."""
    port = free_port()
    desk = Desk(f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("desk") / "desk.log")
    command = [sys.executable, "-m", "uvicorn", "frontdesk.asgi:application", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--timeout-graceful-shutdown", "1", "--log-level", "warning"]
    with desk.log.open("wb") as output:
        process = subprocess.Popen(command, env=desk_environment(port), stdout=output, stderr=output)
    try:
        wait_until_it_answers(desk.url, process, desk.log)
        yield desk
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def desk_server(desk_process: Desk, transactional_db: None) -> Desk:
    """The desk, over tables that are emptied after the test; what a test stores, the desk sees."""
    return desk_process
