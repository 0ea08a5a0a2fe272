"""A mail taken apart, whatever it looks like: who wrote, what, in answer to which, and what came along.

Nothing in a mail is trusted: depth, number of parts, letters and headers are bounded here, and what the
library stumbles over becomes a mail that says so.
"""

import email
import email.header
import email.utils
import hashlib
import html
import logging
import re
from dataclasses import dataclass, field
from email.message import Message as Mail
from html.parser import HTMLParser

from messaging.attachments import MOST, Part

logger = logging.getLogger(__name__)

DEEPEST, MOST_PARTS = 30, 200
LONGEST_TEXT = 200_000  # letters of one text part that are looked at
LONGEST_HEADER = 2_000
UNREADABLE = "(This mail could not be read. Ask the sender to send plain words.)"
IDS = re.compile(r"<[^<>\s]{1,250}>")
QUOTE_BEGINS = re.compile(
    r"^(?:on .{4,200}\bwrote:|el .{4,200}\bescribi[oó]:"
    r"|-{2,} ?(?:original message|mensaje original|forwarded message).*|_{10,}"
    r"|(?:from|de): .{0,200}[@<].{1,200}|begin forwarded message:.*)$",
    re.IGNORECASE,
)
SIGNATURE = re.compile(
    r"^(?:-- ?|sent from my .{2,40}|enviado desde mi .{2,40}|(?:get|obtener) outlook (?:for|para) .{2,20})$",
    re.IGNORECASE,
)
MACHINES = re.compile(r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+=.-].*)?@", re.I)


@dataclass(slots=True)
class Letter:
    """What is known of a mail that came in."""

    key: str  # what makes a second one of it impossible
    from_: str
    body: str
    original: str
    answers: tuple[str, ...] = ()  # Message-IDs it says it answers
    automatic: bool = False
    bounce: "Bounce | None" = None
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report that a mail did not arrive."""

    ids: tuple[str, ...]  # Message-IDs it speaks of
    recipient: str
    status: str  # 5.1.1
    failed: bool  # not only delayed


def read_mail(content: bytes, envelope_from: str | None) -> Letter:
    """Takes a mail apart; never raises."""
    try:
        mail = email.message_from_bytes(content)
        return _read(mail, content, envelope_from or "")
    except Exception:
        # The standard library's parser has stumbled over hostile mails before; RecursionError is one way.
        logger.warning("a mail could not be taken apart")
        return Letter(_key("", content), _address(envelope_from or ""), UNREADABLE, UNREADABLE)


def _read(mail: Mail, content: bytes, envelope_from: str) -> Letter:
    parts = flat(mail)
    original = text_of(parts)
    sender = _address(_header(mail, "From")) or _address(envelope_from)
    answers = (
        *IDS.findall(_header(mail, "In-Reply-To")),
        *reversed(IDS.findall(_header(mail, "References"))),
    )
    return Letter(
        key=_key(_header(mail, "Message-ID"), content),
        from_=sender,
        body=without_history(original),
        original=original,
        answers=tuple(dict.fromkeys(answers))[:20],
        automatic=is_automatic(mail, sender, envelope_from),
        bounce=_bounce(mail, parts),
        parts=_files(parts),
    )


def _key(message_id: str, content: bytes) -> str:
    """Of the Message-ID; of the whole mail where there is none."""
    found = IDS.search(message_id)
    what = found[0].encode("utf-8", "replace") if found else content
    return f"mail:{hashlib.sha256(what).hexdigest()}"


def _header(mail: Mail, name: str) -> str:
    """A header in plain letters, on one line."""
    raw = str(mail.get(name, "") or "")[:LONGEST_HEADER]
    try:
        words = str(email.header.make_header(email.header.decode_header(raw)))
    except (ValueError, LookupError, UnicodeError):
        words = raw
    return " ".join(words.split())


def _address(text: str) -> str:
    """The one plain address in a From line, lower case; empty when there is none."""
    address = email.utils.parseaddr(text)[1].strip().lower().encode("utf-8", "replace").decode()
    good = re.fullmatch(r"[^\s@<>\"',;:]{1,64}@[^\s@<>\"',;:]{1,185}", address)
    return address if good else ""


def flat(mail: Mail) -> list[Mail]:
    """The parts of a mail without the containers, in order; bounded in depth and number."""
    found: list[Mail] = []
    waiting: list[tuple[Mail, int]] = [(mail, 0)]
    while waiting and len(found) < MOST_PARTS:
        part, depth = waiting.pop()
        inner = part.get_payload() if part.is_multipart() else None
        if isinstance(inner, list):
            if depth < DEEPEST and part.get_content_type() != "message/rfc822":
                waiting += [(one, depth + 1) for one in reversed(inner) if isinstance(one, Mail)]
            elif part.get_content_type() == "message/rfc822":
                found.append(part)
        else:
            found.append(part)
    return found


def is_file(part: Mail) -> bool:
    return part.get_content_disposition() == "attachment" or part.get_content_maintype() in {
        "image",
        "application",
        "audio",
        "video",
    }


def text_of(parts: list[Mail]) -> str:
    """The words: the first plain part, else the first HTML part without its markup."""
    texts = [part for part in parts if not is_file(part)]
    for kind in ("text/plain", "text/html"):
        for part in texts:
            if part.get_content_type() == kind:
                words = decoded(part)
                found = plain_of_html(words) if kind == "text/html" else words
                if found.strip():
                    return tidy_lines(found)
    return ""


def decoded(part: Mail) -> str:
    """A text part's letters, whatever charset it claims."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        return raw[: LONGEST_TEXT * 4].decode(part.get_content_charset() or "utf-8", "replace")[:LONGEST_TEXT]
    except (LookupError, UnicodeError, ValueError):
        return raw[:LONGEST_TEXT].decode("utf-8", "replace")


def tidy_lines(text: str) -> str:
    """Line ends of one kind, no NUL, no runs of empty lines."""
    lines = [line.rstrip() for line in text.replace("\x00", "").replace("\r\n", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    """Collects what a person would read."""

    SILENT = frozenset({"script", "style", "head", "title", "template"})
    BREAKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "blockquote", "table"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self.silent += 1
        elif tag in self.BREAKS:
            self.words.append("\n> " if tag == "blockquote" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SILENT:
            self.silent = max(self.silent - 1, 0)
        elif tag in self.BREAKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(" ".join(data.split()) + (" " if data[-1:].isspace() else ""))


def plain_of_html(markup: str) -> str:
    """The words of an HTML mail; links lose where they lead, nothing is loaded."""
    reader = _Words()
    reader.feed(markup)
    reader.close()
    return html.unescape("".join(reader.words))


def without_history(text: str) -> str:
    """The words above the quoted history and the signature; all of it when nothing else would be left."""
    kept: list[str] = []
    lines = text.split("\n")
    for place, line in enumerate(lines):
        bare = line.strip()
        # “On Tuesday, Nov 24, 2026 at 9:00 AM Harbor Street” may be broken over two lines.
        joined = f"{bare} {lines[place + 1].strip()}" if place + 1 < len(lines) else bare
        if QUOTE_BEGINS.match(bare) or (bare[:3].lower() in {"on ", "el "} and QUOTE_BEGINS.match(joined)):
            break
        if SIGNATURE.match(line.rstrip() if line.startswith("--") else bare):
            break
        if not bare.startswith(">"):
            kept.append(line)
    return tidy_lines("\n".join(kept)) or text


def is_automatic(mail: Mail, sender: str, envelope_from: str) -> bool:
    """Whether a machine wrote it: these are never answered, so that two machines cannot talk forever."""
    submitted = _header(mail, "Auto-Submitted").lower()
    return (
        (submitted not in {"", "no"})
        or _header(mail, "Precedence").lower() in {"bulk", "junk", "list", "auto_reply"}
        or any(
            mail.get(name) is not None
            for name in ("List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond")
        )
        or _header(mail, "X-Auto-Response-Suppress").lower() in {"all", "oof"}
        or not envelope_from.strip("<> ")
        or MACHINES.match(sender) is not None
    )


def _bounce(mail: Mail, parts: list[Mail]) -> Bounce | None:
    """The report of a mail server (RFC 3464) about a mail that did not arrive."""
    if mail.get_content_type() != "multipart/report":
        return None
    fields: dict[str, str] = {}
    ids: list[str] = [*IDS.findall(_header(mail, "In-Reply-To")), *IDS.findall(_header(mail, "References"))]
    for part in walk(mail):
        kind = part.get_content_type()
        for name in ("Final-Recipient", "Action", "Status"):
            if part.get(name):
                fields.setdefault(name, _header(part, name))
        if kind in {"message/rfc822", "text/rfc822-headers"}:
            text = str(part) if kind == "message/rfc822" else decoded(part)
            ids += re.findall(r"(?im)^message-id:\s*(<[^<>\s]{1,250}>)", text[:100_000])
    recipient = fields.get("Final-Recipient", "").rpartition(";")[2].strip().lower()
    status = re.search(r"\b[245]\.\d{1,3}\.\d{1,3}\b", fields.get("Status", ""))
    failed = fields.get("Action", "").lower() == "failed" and (status is None or status[0].startswith("5"))
    return Bounce(tuple(dict.fromkeys(ids))[:20], recipient, status[0] if status else "", failed)


def walk(mail: Mail) -> list[Mail]:
    """All parts with their containers, bounded."""
    found: list[Mail] = []
    waiting: list[tuple[Mail, int]] = [(mail, 0)]
    while waiting and len(found) < MOST_PARTS:
        part, depth = waiting.pop()
        found.append(part)
        inner = part.get_payload() if part.is_multipart() else None
        if isinstance(inner, list) and depth < DEEPEST:
            waiting += [(one, depth + 1) for one in reversed(inner) if isinstance(one, Mail)]
    return found


def _files(parts: list[Mail]) -> list[Part]:
    """What came along, as bytes; names are not even read."""
    found: list[Part] = []
    for part in parts:
        if is_file(part) and len(found) < MOST:
            raw = part.get_payload(decode=True)
            if isinstance(raw, bytes) and raw:
                declared = re.sub(r"[^!-~]", "?", part.get_content_type())  # the sender writes what it likes
                found.append(Part(declared[:100], raw))
    return found
