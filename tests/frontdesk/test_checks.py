"""What production refuses to start with: each refusal by itself, and real starts of the real program."""

import base64
import os
import subprocess
import sys
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from frontdesk.checks import production_settings, refuse_unsafe_start

GOOD = {
    "FRONTDESK_MODE": "production",
    "DJANGO_SETTINGS_MODULE": "frontdesk.settings",
    "PUBLIC_URL": "https://desk.frontdesk.example",
    "SECRET_KEY": "q7Vb2-Xr9" * 8,
    "FIELD_KEYS": "k1:" + base64.b64encode(b"7" * 32).decode(),
    "BLIND_INDEX_KEY": base64.b64encode(b"8" * 32).decode(),
    "TWILIO_AUTH_TOKEN": "0" * 32,
    "TWILIO_BASE_URL": "",
    "DATABASE_POOL": "0",
    "DEBUG": "",
}
START = "import frontdesk.wsgi"


def database_url(role: str = "") -> str:
    source = os.environ["DATABASE_OWNER_URL" if role == "owner" else "DATABASE_URL"]
    facts = psycopg.conninfo.conninfo_to_dict(source)
    name = connection.settings_dict["NAME"]
    return f"postgres://{facts['user']}:{facts['password']}@{facts['host']}:{facts['port']}/{name}"


def run(*command: str, **changed: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | GOOD | {"DATABASE_URL": database_url()} | changed
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # the browser tests of this process need it
    return subprocess.run(
        [sys.executable, *command],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


pytestmark = pytest.mark.django_db


def test_the_deployment_check_has_nothing_to_say():
    done = run("manage.py", "check", "--deploy", "--fail-level", "INFO")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_production_starts_with_good_settings():
    """The control of all refusals below."""
    done = run("-c", START)
    assert done.returncode == 0, done.stderr


def test_production_refuses_to_start() -> None:
    """Settings are judged on the way: what `refuse_unsafe_start` raises below ends a real start."""
    done = run("-c", START, PUBLIC_URL="http://desk.frontdesk.example", TWILIO_AUTH_TOKEN="")
    assert done.returncode != 0
    assert "PUBLIC_URL is not https" in done.stderr
    assert "TWILIO_AUTH_TOKEN is missing" in done.stderr


@pytest.fixture
def production(settings: Any) -> Any:
    """Settings of a production that may start, within this process."""
    settings.PRODUCTION = True
    for name in ("PUBLIC_URL", "SECRET_KEY", "FIELD_KEYS", "BLIND_INDEX_KEY", "TWILIO_AUTH_TOKEN"):
        setattr(settings, name, GOOD[name])
    settings.TWILIO_BASE_URL = ""
    settings.DELIVERY_GRACE_SECONDS, settings.TWILIO_TIMEOUT_SECONDS = 60, 10
    return settings


def test_nothing_is_wrong_with_good_settings(production: Any) -> None:
    """The control of all refusals below."""
    assert production_settings(None) == []
    refuse_unsafe_start()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"DEBUG": True}, "DEBUG is on"),
        ({"SECRET_KEY": "change-me" * 8}, "SECRET_KEY is short or a default"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is short or a default"),
        ({"PUBLIC_URL": "http://desk.frontdesk.example"}, "PUBLIC_URL is not https"),
        ({"SWITCHED_OFF": frozenset({"resource-lock"})}, "A protection is switched off"),
        ({"FIELD_KEYS": "k1:short"}, "FIELD_KEYS or BLIND_INDEX_KEY"),
        ({"FIELD_KEYS": "k1:c2hvcnQ="}, "FIELD_KEYS or BLIND_INDEX_KEY"),
        ({"BLIND_INDEX_KEY": ""}, "FIELD_KEYS or BLIND_INDEX_KEY"),
        ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN is missing"),
        ({"TWILIO_BASE_URL": "http://127.0.0.1:1"}, "TWILIO_BASE_URL is not https"),
        ({"DELIVERY_GRACE_SECONDS": 19, "TWILIO_TIMEOUT_SECONDS": 10}, "DELIVERY_GRACE_SECONDS is shorter"),
    ],
)
def test_production_refuses(production: Any, changed: dict[str, Any], words: str) -> None:
    for name, value in changed.items():
        setattr(production, name, value)
    with pytest.raises(ImproperlyConfigured, match=words):
        refuse_unsafe_start()
    assert len(production_settings(None)) == 1


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_KEYS", "BLIND_INDEX_KEY", "DATABASE_URL", "REDIS_URL"])
def test_without_these_the_settings_cannot_be_read(name: str) -> None:
    done = run("-c", "import frontdesk.settings", **{name: ""})
    assert done.returncode != 0
    assert f"{name} is missing" in done.stderr


def test_production_refuses_a_role_that_owns_the_tables():
    done = run("-c", START, DATABASE_URL=database_url("owner"))
    assert done.returncode != 0
    assert "owns tables" in done.stderr
