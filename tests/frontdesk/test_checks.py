"""What production refuses to start with: each refusal on a real start of the real program."""

import base64
import os
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings
from django.db import connection

GOOD = {
    "FRONTDESK_MODE": "production",
    "DJANGO_SETTINGS_MODULE": "frontdesk.settings",
    "PUBLIC_URL": "https://desk.frontdesk.example",
    "SECRET_KEY": "q7Vb" * 16,
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


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"DEBUG": "1"}, "DEBUG is on"),
        ({"SECRET_KEY": "change-me" * 8}, "SECRET_KEY is short or a default"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is short or a default"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"PUBLIC_URL": "http://desk.frontdesk.example"}, "PUBLIC_URL is not https"),
        ({"FIELD_KEYS": "k1:short"}, "FIELD_KEYS or BLIND_INDEX_KEY"),
        ({"FIELD_KEYS": ""}, "FIELD_KEYS is missing"),
        ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN is missing"),
        ({"TWILIO_BASE_URL": "http://127.0.0.1:1"}, "TWILIO_BASE_URL is not https"),
    ],
)
def test_production_refuses_to_start(changed, words):
    done = run("-c", START, **changed)
    assert done.returncode != 0
    assert words in done.stderr


def test_production_refuses_a_role_that_owns_the_tables():
    done = run("-c", START, DATABASE_URL=database_url("owner"))
    assert done.returncode != 0
    assert "owns tables" in done.stderr
