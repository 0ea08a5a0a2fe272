"""./dev lock: writes both locks from pyproject.toml; and what a lock must be to be committed."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

from tools.places import ROOT, Trouble
from tools.progress import step

PROJECT = ROOT / "pyproject.toml"
DEVELOPERS = ROOT / "requirements.lock"
PRODUCTION = ROOT / "requirements-production.lock"
COMPILE = ["pip", "compile", "pyproject.toml", "--universal", "--generate-hashes", "--no-header", "--quiet"]
FORBIDDEN = re.compile(
    r"://|\bfile:|^\s*--?(?:i|f|index-url|extra-index-url|find-links|trusted-host)\b|@ ", re.M
)


def command(arguments: list[str]) -> int:
    """Write requirements.lock (everything) and requirements-production.lock (the runtime alone)."""
    with step("requirements.lock"):
        _compile([*COMPILE, "--group", "embedded", "--group", "dev", "-o", DEVELOPERS.name, *arguments])
    with step("requirements-production.lock"):
        # Constrained by the first, so that production runs what was tested.
        _compile([*COMPILE, "-c", DEVELOPERS.name, "-o", PRODUCTION.name])
    found = faults()
    for fault in found:
        print(f"  {fault}")
    return 1 if found else 0


def _compile(arguments: list[str]) -> None:
    variables = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    for certificates in ([], ["--system-certs"]):
        done = subprocess.run(
            ["uv", *arguments, *certificates],
            cwd=ROOT,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
    raise Trouble(f"The lock could not be written:\n{done.stderr.strip()}")


def faults() -> list[str]:
    """What is wrong with the two locks; empty when they may be committed."""
    developers, production = _read(DEVELOPERS), _read(PRODUCTION)
    project = tomllib.loads(PROJECT.read_text())
    groups: dict[str, list[str]] = project["dependency-groups"]
    runtime: list[str] = project["project"]["dependencies"]
    everything = runtime + [wish for group in groups.values() for wish in group]
    return [
        *text_faults(DEVELOPERS.name, developers),
        *text_faults(PRODUCTION.name, production),
        *pin_faults(DEVELOPERS.name, developers, everything),
        *pin_faults(PRODUCTION.name, production, runtime),
        *(
            f"{PRODUCTION.name}: {name} {version} is not what requirements.lock tests."
            for name, version in pins(production).items()
            if pins(developers).get(name) != version
        ),
    ]


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def text_faults(name: str, text: str) -> list[str]:
    """Hosts, paths and packages without a hash: a lock may name none of them."""
    wrong = [
        f"{name}: names a place: {m.string[m.start() :].splitlines()[0]}" for m in FORBIDDEN.finditer(text)
    ]
    for block in re.split(r"^(?=\S)", text, flags=re.M):
        if re.match(r"[a-z0-9]", block, re.I) and "--hash=sha256:" not in block:
            wrong.append(f"{name}: no hash for {block.splitlines()[0]}")
    return wrong


def pins(text: str) -> dict[str, str]:
    """Package to version of a lock or of a list of requirements; names normalised."""
    found = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.M)
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in found}


def pin_faults(name: str, text: str, wishes: list[str]) -> list[str]:
    """Direct dependencies that are not pinned exactly, or that the lock has in another version."""
    locked = pins(text)
    wrong = [f"pyproject.toml: {wish} is not pinned with ==" for wish in wishes if not pins(wish)]
    for package, version in pins("\n".join(wishes)).items():
        if locked.get(package) != version:
            wrong.append(
                f"{name}: has {package} {locked.get(package)}, pyproject.toml says {version}: ./dev lock"
            )
    return wrong
