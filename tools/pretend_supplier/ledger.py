"""What the supplier remembers: texts, phones, opt-outs and mails, with an optional file behind them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar

from . import texts

API_VERSION = "2010-04-01"
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "received"})
Found = TypeVar("Found")


def now() -> str:
    """Return this moment as it is stored."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def rfc2822(moment: str) -> str | None:
    """Return a stored moment the way the Messages API writes dates."""
    return format_datetime(datetime.fromisoformat(moment)) if moment else None


@dataclass
class Message:
    """One text; ``direction`` is outbound-api, outbound-reply or inbound."""

    sid: str
    account_sid: str
    direction: str
    from_: str
    to: str
    body: str
    status: str
    created: str
    updated: str = ""
    sent: str = ""
    error_code: int | None = None
    status_callback: str = ""
    validity_period: int | None = None
    opt_out_type: str = ""
    fault: str = ""
    note: str = ""
    media: list[dict[str, str]] = field(default_factory=list)  # sid and what it is, for pictures

    @property
    def outbound(self) -> bool:
        """Return whether the practice wrote it."""
        return self.direction != "inbound"

    @property
    def phone(self) -> str:
        """Return the patient's side."""
        return self.to if self.outbound else self.from_

    @property
    def line(self) -> str:
        """Return the practice's side."""
        return self.from_ if self.outbound else self.to

    @property
    def uri(self) -> str:
        """Return the address of the message, from the root of the API."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}.json"

    def as_api(self) -> dict[str, Any]:
        """Return the message in the shape of the Messages API."""
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc2822(self.created),
            "date_sent": rfc2822(self.sent),
            "date_updated": rfc2822(self.updated or self.created),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": texts.ERROR_WORDS.get(self.error_code or 0),
            "from": self.from_,
            "messaging_service_sid": None,
            "num_media": str(len(self.media)),
            "num_segments": str(texts.segments(self.body)),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": self.uri.removesuffix(".json") + "/Media.json"},
            "to": self.to,
            "uri": self.uri,
        }

    def as_control(self) -> dict[str, Any]:
        """Return the message for tests, with what only the supplier knows."""
        data = asdict(self)
        data["from"] = data.pop("from_")
        data["num_segments"] = texts.segments(self.body)
        return data


@dataclass
class Mail:
    """One mail taken on the SMTP port, or written by a patient here."""

    id: str
    received: str
    sender: str
    recipients: list[str]
    subject: str
    text: str
    html: str = ""
    message_id: str = ""
    reply_to: str = ""
    note: str = ""
    written: bool = False  # by the patient, on these pages


@dataclass
class Phone:
    """A phone: how it takes texts and calls, and a name when somebody gave one."""

    number: str
    kind: str = "mobile"
    name: str = ""
    answers: str = "ask"
    presses: str = ""  # keys it presses by itself when it is asked for some


class Ledger:
    """Keeps everything in memory behind one lock; with a file, each change is one JSON line in it."""

    def __init__(self, path: Path | None, message_cap: int, mail_cap: int) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.version = 0
        self.messages: dict[str, Message] = {}
        self.phones: dict[str, Phone] = {}
        self.opt_outs: set[tuple[str, str]] = set()
        self.mails: dict[str, Mail] = {}
        self._caps = (message_cap, mail_cap)
        self._path = path
        self._lines = 0
        self._file: TextIO | None = None
        if path is not None:
            self._load(path)
            self._rewrite()

    # What changes

    def keep_message(self, message: Message) -> None:
        """Add a message, or store what changed in it; the oldest go when the cap is passed."""
        with self.changed:
            message.updated = now()
            self.messages[message.sid] = message
            self.phones.setdefault(message.phone, Phone(message.phone))
            self._trim()
            self._note("message", asdict(message))

    def drop_message(self, sid: str) -> None:
        """Delete a message."""
        with self.changed:
            self.messages.pop(sid, None)
            self._note("dropped", {"sid": sid})

    def keep_phone(self, phone: Phone) -> None:
        """Add a phone or change how it behaves."""
        with self.changed:
            self.phones[phone.number] = phone
            self._trim()
            self._note("phone", asdict(phone))

    def keep_mail(self, mail: Mail) -> None:
        """Add a mail; the oldest go when the cap is passed."""
        with self.changed:
            self.mails[mail.id] = mail
            self._trim()
            self._note("mail", asdict(mail))

    def set_opt_out(self, line: str, phone: str, stopped: bool) -> None:
        """Record that a phone wants no texts from a line, or wants them again."""
        with self.changed:
            (self.opt_outs.add if stopped else self.opt_outs.discard)((line, phone))
            self._note("opt-out", {"line": line, "phone": phone, "stopped": stopped})

    def clear(self) -> None:
        """Forget everything, in the file too."""
        with self.changed:
            for store in (self.messages, self.phones, self.opt_outs, self.mails):
                store.clear()
            self.version += 1
            self._rewrite()
            self.changed.notify_all()

    # What is asked

    def snapshot(self) -> list[Message]:
        """Return all messages, oldest first."""
        with self.changed:
            return list(self.messages.values())

    def conversation(self, phone: str) -> list[Message]:
        """Return what one phone shows and wrote, oldest first."""
        return [message for message in self.snapshot() if message.phone == phone]

    def kind_of(self, phone: str) -> str:
        """Return how a phone behaves; one never heard of is an ordinary mobile."""
        with self.changed:
            return self.phones[phone].kind if phone in self.phones else "mobile"

    def wait_for(self, look: Callable[[], Found], seconds: float) -> Found:
        """Look after every change until something is found or the time is up; return the last look."""
        until = time.monotonic() + seconds
        with self.changed:
            while not (found := look()) and (left := until - time.monotonic()) > 0:
                self.changed.wait(left)
            return found

    # The file

    def close(self) -> None:
        """Close the file."""
        with self.changed:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _trim(self) -> None:
        caps = ((self.messages, self._caps[0]), (self.phones, self._caps[0]), (self.mails, self._caps[1]))
        for store, cap in caps:
            while len(store) > cap:
                del store[next(iter(store))]

    def _note(self, event: str, data: dict[str, Any]) -> None:
        self.version += 1
        if self._file is not None:
            self._file.write(json.dumps({"event": event, "data": data}, ensure_ascii=False) + "\n")
            self._file.flush()
            self._lines += 1
            if self._lines > 10 * sum(self._caps):
                self._rewrite()
        self.changed.notify_all()

    def _load(self, path: Path) -> None:
        if not path.exists():
            return
        for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(text)
                self._replay(entry["event"], entry["data"])
            except (ValueError, KeyError, TypeError):
                continue  # A line cut off by a kill: what was before and after it still counts.

    def _replay(self, event: str, data: dict[str, Any]) -> None:
        if event == "message":
            message = Message(**known(Message, data))
            self.messages[message.sid] = message
            self.phones.setdefault(message.phone, Phone(message.phone))
        elif event == "dropped":
            self.messages.pop(data["sid"], None)
        elif event == "phone":
            self.phones[data["number"]] = Phone(**known(Phone, data))
        elif event == "mail":
            self.mails[data["id"]] = Mail(**known(Mail, data))
        elif event == "opt-out":
            change = self.opt_outs.add if data["stopped"] else self.opt_outs.discard
            change((data["line"], data["phone"]))

    def _entries(self) -> Iterable[dict[str, Any]]:
        for phone in self.phones.values():
            yield {"event": "phone", "data": asdict(phone)}
        for message in list(self.messages.values())[-self._caps[0] :]:
            yield {"event": "message", "data": asdict(message)}
        for line, number in sorted(self.opt_outs):
            yield {"event": "opt-out", "data": {"line": line, "phone": number, "stopped": True}}
        for mail in list(self.mails.values())[-self._caps[1] :]:
            yield {"event": "mail", "data": asdict(mail)}

    def _rewrite(self) -> None:
        """Write the file anew with the last state of each thing, so that it does not grow for ever."""
        if self._path is None:
            return
        self.close()
        self._lines = 0
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.touch(mode=0o600)
        with fresh.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(entry, ensure_ascii=False) + "\n" for entry in self._entries())
        fresh.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8")


def known(shape: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return only the fields a dataclass has, so that a file of another version still loads."""
    names = {one.name for one in fields(shape)}
    return {name: value for name, value in data.items() if name in names}
