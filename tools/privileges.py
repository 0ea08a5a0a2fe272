"""How Postgres is run by whoever calls ./dev: it refuses to run as root, and containers often are root."""

from __future__ import annotations

import functools
import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.places import ROOT, RUN, Trouble

UNSHARE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


@dataclass(frozen=True)
class Runner:
    """A way to run a server: as oneself, in a user namespace, or as nobody.

    `base` is where its data must lie: `.run/` unless another user has to reach it.
    """

    prefix: tuple[str, ...]
    uid: int | None
    gid: int | None
    base: Path

    def place(self, folder: Path) -> Path:
        """Where a folder that is wanted under `.run/` really lies for this way of running."""
        return self.base / folder.relative_to(RUN)

    def make(self, folder: Path) -> Path:
        """Make an empty private folder for the server, owned by the user it runs as."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.own(folder)
        return folder

    def own(self, folder: Path) -> None:
        """Give a tree to the user the server runs as; nothing to do unless that is another user."""
        if self.uid is None or self.gid is None:
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.gid)

    def arguments(self, command: list[str]) -> list[str]:
        return [*self.prefix, *command]

    def options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess that change the user, where that is the way."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": "/"}


def _namespaces_work() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


def _shared_folder() -> Path:
    """A folder of this checkout that nobody can reach, safe although everybody may write to /var/tmp."""
    name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    folder = Path("/var/tmp") / f"frontdesk-{name}"  # noqa: S108 - owner and mode are checked below
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise Trouble(f"{folder} belongs to somebody else. Remove it, then try again.")
    folder.chmod(0o755)
    return folder


@functools.cache
def runner() -> Runner:
    """The way to run Postgres here; FRONTDESK_POSTGRES_AS=nobody forces the one for blocked namespaces."""
    if os.geteuid() != 0:
        return Runner((), None, None, RUN)
    if os.environ.get("FRONTDESK_POSTGRES_AS") != "nobody" and _namespaces_work():
        return Runner(UNSHARE, None, None, RUN)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise Trouble(
            "Postgres refuses to run as root, and this machine has no user 'nobody'. "
            "Run ./dev as an ordinary user, or set DATABASE_URL and DATABASE_OWNER_URL."
        ) from None
    return Runner((), nobody.pw_uid, nobody.pw_gid, _shared_folder())
