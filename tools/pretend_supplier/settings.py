"""What the pretend supplier is told when it starts: account, lines, delays and limits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .texts import PHONE_ANSWERS, PHONE_KINDS

DEMO_ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
DEMO_AUTH_TOKEN = "pretend-auth-token"
LINE_FACTS = ("url", "name", "voice_url", "voice_status_url")
DELAYS = (
    "sent_after", "delivered_after", "retry_after", "webhook_timeout", "pace", "dial_after",
    "desk_answers_after",
)  # fmt: skip


class SettingsError(ValueError):
    """A setting the program cannot start with, said in words for the person who typed it."""


@dataclass(frozen=True)
class Line:
    """A number that belongs to a practice; texts to it are posted to ``url``, calls to ``voice_url``."""

    number: str
    url: str = ""
    name: str = ""
    voice_url: str = ""
    voice_status_url: str = ""

    @property
    def label(self) -> str:
        """Return the name people know, or the number when nobody named the line."""
        return self.name or self.number


@dataclass
class Settings:
    """Everything that can be chosen; delays are in seconds, `pace` is how long a telephone's second is."""

    account_sid: str = DEMO_ACCOUNT_SID
    auth_token: str = DEMO_AUTH_TOKEN
    port: int = 0
    smtp_port: int | None = 0
    lines: dict[str, Line] = field(default_factory=dict)
    # Addresses the product knows itself by, and where on this machine they are served.
    routes: dict[str, str] = field(default_factory=dict)
    phones: dict[str, dict[str, str]] = field(default_factory=dict)
    ledger: Path | None = None
    sent_after: float = 0.4
    delivered_after: float = 0.8
    retry_after: float = 0.5
    webhook_timeout: float = 15.0
    pace: float = 1.0
    dial_after: float = 0.5
    desk_answers_after: float = 2.0
    # Where the media of this supplier are fetched; the server knows its own address once it runs.
    base_url: str = ""
    # Where patients' mails to the practices go, as HOST:PORT; empty for nowhere.
    mailroom: str = ""
    opt_out_replies: bool = True
    message_cap: int = 20_000
    mail_cap: int = 2_000
    body_limit: int = 64 * 1024
    mail_limit: int = 2 * 1024 * 1024

    def add_line(self, number: str, **facts: str) -> Line:
        """Add a practice's line, or change it; what is not given stays as it was."""
        known = self.lines.get(number, Line(number))
        line = replace(known, **{name: value for name, value in facts.items() if value})
        self.lines[number] = line
        return line


def pair(text: str, option: str) -> tuple[str, str]:
    """Split ``left=right`` as typed after an option."""
    left, separator, right = text.partition("=")
    if not separator or not left.strip() or not right.strip():
        raise SettingsError(f"{option} wants LEFT=RIGHT, not {text!r}")
    return left.strip(), right.strip()


def read_config(path: Path, settings: Settings) -> None:
    """Apply a JSON file with any of: numbers, phones, routes, account_sid, auth_token, delays."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"{path} must hold one JSON object")
    try:
        apply_config(data, settings)
    except SettingsError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SettingsError(f"{path} does not have the expected shape: {error!r}") from error


def apply_config(data: dict[str, Any], settings: Settings) -> None:
    """Put what a config file says into the settings."""
    for entry in data.get("numbers", []):
        facts = {name: str(entry.get(name, "")) for name in LINE_FACTS}
        settings.add_line(str(entry["number"]), **facts)
    for number, facts in data.get("phones", {}).items():
        if facts.get("kind", "mobile") not in PHONE_KINDS:
            raise SettingsError(f"{number}: the kinds of phones are {', '.join(PHONE_KINDS)}")
        if facts.get("answers", "ask") not in PHONE_ANSWERS:
            raise SettingsError(f"{number}: a phone answers by {', '.join(PHONE_ANSWERS)}")
        settings.phones[number] = facts
    settings.routes.update(data.get("routes", {}))
    for name in ("account_sid", "auth_token", "mailroom"):
        if name in data:
            setattr(settings, name, str(data[name]))
    for name in DELAYS:
        if name in data:
            setattr(settings, name, float(data[name]))
