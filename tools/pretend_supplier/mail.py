"""Takes mails on a port of this machine and keeps them; nothing is sent on."""

from __future__ import annotations

import html
import re
import secrets
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from .ledger import Ledger, Mail, now

TAG = re.compile(r"<[^>]{0,2000}>")
INVISIBLE = re.compile(r"<(style|script|head)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
HREF = re.compile(r"""<a\b[^>]{0,2000}?href=["'](https?://[^"']{1,2000})["'][^>]{0,2000}>""", re.IGNORECASE)
BREAK = re.compile(r"<(br|/p|/div|/h[1-6]|/li|/tr)\b[^>]{0,200}>", re.IGNORECASE)


def free_port() -> int:
    """Return a port of this machine that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def text_of_html(source: str) -> str:
    """Return the words of an HTML part, each link's address after its words."""
    words = INVISIBLE.sub("", source)
    words = HREF.sub(lambda match: f" {match[1]} ", words)
    words = html.unescape(TAG.sub("", BREAK.sub("\n", words)))
    lines = [" ".join(line.split()) for line in words.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def part_text(message: EmailMessage, kind: str) -> str:
    """Return the words of the plain or html part, and nothing when there is none to read."""
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        return str(part.get_payload())


class Letterbox:
    """Puts each mail into the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take one mail; the name is the one the SMTP library calls."""
        parsed = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
        html_part = part_text(parsed, "html")
        mail = Mail(
            id=secrets.token_hex(8),
            received=now(),
            sender=str(parsed.get("From", envelope.mail_from)),
            recipients=[str(one) for one in envelope.rcpt_tos],
            subject=str(parsed.get("Subject", "")),
            text=(part_text(parsed, "plain") or text_of_html(html_part)).strip(),
            html=html_part,
            message_id=str(parsed.get("Message-ID", "")),
            reply_to=str(parsed.get("Reply-To", "")),
        )
        self._ledger.keep_mail(mail)
        return "250 Kept; nothing is sent on"


class Post:
    """The SMTP port."""

    def __init__(self, ledger: Ledger, port: int, limit: int) -> None:
        self.port = port or free_port()
        self._controller = Controller(
            Letterbox(ledger), hostname="127.0.0.1", port=self.port, data_size_limit=limit
        )

    def start(self) -> None:
        """Open the port."""
        self._controller.start()

    def stop(self) -> None:
        """Close the port."""
        self._controller.stop(no_assert=True)
