"""The environment that every process of Front Desk is given: one list, made in one place."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from tools.places import DEMO_ENV, DEMO_POSTGRES, RUN, Trouble
from tools.postgres import APP_ROLE, OWNER_ROLE, SWEEP_ROLE, Postgres, write_private
from tools.valkey import Valkey

NOWHERE = "http://127.0.0.1:1"  # A closed port: what would leave for a supplier ends here.


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def new_secrets() -> dict[str, str]:
    """Fresh random secrets for the demo or one test run."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_KEYS": f"k1:{_key()}",
        "BLIND_INDEX_KEY": _key(),
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
    }


def demo_secrets(path: Path = DEMO_ENV, data: Path = DEMO_POSTGRES) -> dict[str, str]:
    """The demo's secrets, made at its first start and kept, since its data is encrypted with them."""
    if path.exists():
        lines = path.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    if data.exists():
        raise Trouble(
            f"The demo's data is here, but its keys ({path.name} in .run) are gone, so it cannot be read "
            "any more. Start over with: ./dev demo --fresh"
        )
    made = new_secrets()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, "".join(f"{name}={value}\n" for name, value in made.items()))
    return made


def given_database() -> dict[str, str] | None:
    """The database of whoever calls, which always wins; None when we have to start one."""
    if not os.environ.get("DATABASE_URL"):
        return None
    if not os.environ.get("DATABASE_OWNER_URL"):
        raise Trouble(
            "DATABASE_URL is set, DATABASE_OWNER_URL is not. Set both: the pages use the role that row "
            "security binds, migrations use the owner of the tables (tools/roles.sql makes the two)."
        )
    names = ("DATABASE_URL", "DATABASE_OWNER_URL", "SWEEP_DATABASE_URL")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def database_urls(cluster: Postgres) -> dict[str, str]:
    urls = {"DATABASE_URL": cluster.url(APP_ROLE), "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE)}
    if SWEEP_ROLE in cluster.passwords:  # a cluster of before knows no such role
        urls["SWEEP_DATABASE_URL"] = cluster.url(SWEEP_ROLE)
    return urls


class Servers:
    """Postgres and Valkey for one command: the caller's where given, else ours, stopped afterwards."""

    def __init__(self, postgres: Postgres | None, valkey: Valkey | None) -> None:
        self.postgres = postgres
        self.valkey = valkey

    def start_postgres(self) -> dict[str, str]:
        if self.postgres is None:
            return given_database() or {}
        if not self.postgres.exists:
            self.postgres.create()
        self.postgres.start()
        return database_urls(self.postgres)

    def start_valkey(self) -> dict[str, str]:
        if self.valkey is None:
            return {"REDIS_URL": os.environ["REDIS_URL"]}
        self.valkey.start()
        return {"REDIS_URL": self.valkey.url}

    def stop(self) -> None:
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()

    def process_ids(self) -> list[int]:
        started = (self.postgres, self.valkey)
        return [s.process.pid for s in started if s is not None and s.process is not None]


def servers(postgres: Postgres, valkey: Valkey) -> Servers:
    """The servers to use: DATABASE_URL and REDIS_URL of the caller replace ours."""
    return Servers(
        None if given_database() else postgres,
        None if os.environ.get("REDIS_URL") else valkey,
    )


def for_mode(mode: str, **more: str) -> dict[str, str]:
    """The whole environment of a child process in one mode: `demo`, `test` or `production`."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings" if mode == "test" else "frontdesk.settings",
        "FRONTDESK_MODE": mode,
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def for_demo(addresses: dict[str, str], port: int = 8000, **more: str) -> dict[str, str]:
    """The environment of the demo's processes and of ./dev manage.

    Until the pretend supplier runs and its address is given, texts and e-mails go nowhere.
    """
    return for_mode(
        "demo",
        **{
            **demo_secrets(),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "TWILIO_BASE_URL": NOWHERE,
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": "1",
            **addresses,
            **more,
        },
    )


def for_tests() -> dict[str, str]:
    """What tests and checks get besides the servers; nothing in it can reach a real supplier."""
    return {
        **new_secrets(),
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "TWILIO_BASE_URL": NOWHERE,
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": "1",
    }


def make_run_folder() -> None:
    RUN.mkdir(mode=0o700, exist_ok=True)
