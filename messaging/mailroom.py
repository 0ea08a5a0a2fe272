"""Mails that patients write: taken from the practice's own relays by SMTP, one transaction each.

A mail is answered “250” only when it is stored; while the database is away the relay is asked to come again.
"""

import asyncio
import contextlib
import ipaddress
import logging
import uuid
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import Error as DatabaseAway
from django.db import close_old_connections, connection

from messaging import inbox, mailparts, refusals
from messaging.email import BAD_ADDRESS
from messaging.models import Message
from messaging.outcomes import Then, Verdict
from patients.models import Channel
from practices import audit, changes
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import inside

logger = logging.getLogger(__name__)
logging.getLogger("mail.log").setLevel(logging.ERROR)  # the library writes down each sender's address

LARGEST = 10 * 1024 * 1024
IDLE_SECONDS = 120
AT_ONCE = 8  # mails that are stored at the same time; others wait their turn
MOST_PRACTICES = 5  # addressees of one mail
BOUNCED = Verdict(Then.STOP, "bounced", "the mail came back")
STORED, AGAIN = "250 Stored", "451 4.3.0 Not now, please come again"
NOT_OURS, NOT_YOU = "550 5.1.1 No such mailbox", "554 5.7.1 Mail is taken from the practice's relays only"
TOO_MANY = "452 4.5.3 Too many recipients"


def practice_of(address: str) -> Practice | None:
    """The practice whose mailbox this is."""
    plain = parseaddr(address)[1].lower()
    return Practice.objects.filter(email_sender__iexact=plain).first() if plain else None


def may_deliver(peer: object) -> bool:
    """Whether a connection comes from one of the configured relays."""
    host = peer[0] if isinstance(peer, tuple) and peer else ""
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    networks = [ipaddress.ip_network(text.strip(), strict=False) for text in settings.MAIL_RELAYS]
    return any((mapped or address) in network for network in networks)


class Mailroom:
    """What is answered to each step of an SMTP conversation."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(AT_ONCE)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return responses if may_deliver(session.peer) else [NOT_YOU]

    async def handle_HELO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str) -> str:
        session.host_name = hostname
        return f"250 {server.hostname}" if may_deliver(session.peer) else NOT_YOU

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        if not may_deliver(session.peer):
            return NOT_YOU
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_PRACTICES:
            return TOO_MANY
        try:
            known = await asyncio.to_thread(_at_the_database, practice_of, address)
        except DatabaseAway:
            return AGAIN
        if known is None:
            return NOT_OURS
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content or "").encode("utf-8", "replace")
        async with self.turns:
            try:
                await asyncio.to_thread(
                    _at_the_database, take, raw, envelope.mail_from, list(envelope.rcpt_tos)
                )
            except DatabaseAway:
                logger.warning("a mail could not be stored: the database is away")
                return AGAIN
            except Exception:
                # Not lost: the relay keeps it and comes again, and somebody reads this line.
                logger.exception("a mail could not be stored")
                return AGAIN
        return STORED

    async def handle_exception(self, error: Exception) -> str:
        logger.warning("a mail conversation failed: %s", type(error).__name__)
        return AGAIN


def _at_the_database(function: Any, *args: Any) -> Any:
    """Runs in a thread of its own, whose connection is looked at before and given back after."""
    if not connection.in_atomic_block:
        close_old_connections()
    try:
        return function(*args)
    finally:
        if not connection.in_atomic_block:
            connection.close()


def take(content: bytes, envelope_from: str | None, recipients: Sequence[str]) -> None:
    """Stores a mail for each practice it is addressed to; a second delivery of it changes nothing."""
    letter = mailparts.read_mail(content, envelope_from)
    owners = {owner.pk: owner for address in recipients if (owner := practice_of(address)) is not None}
    for owner in owners.values():
        with inside(owner):
            put_away(letter)


def put_away(letter: mailparts.Letter) -> Message | None:
    """Stores a mail in the open practice: as a report about a mail of ours, or as what somebody wrote."""
    if letter.bounce is not None:
        bounced(letter.bounce)
        return None
    body = letter.body or ("" if letter.parts else mailparts.UNREADABLE)
    return inbox.receive_mail(
        key=letter.key,
        from_=letter.from_ or "unknown",
        body=body,
        original=letter.original,
        answers=our_mail(letter.answers),
        automatic=letter.automatic,
        parts=letter.parts,
    )


def our_mail(ids: Sequence[str]) -> Message | None:
    """The mail of ours that one of these Message-IDs names (messaging.email.message_id)."""
    for one in ids:
        with contextlib.suppress(ValueError):
            key = uuid.UUID(one.strip("<>").partition("@")[0])
            found = Message.objects.select_related("patient").filter(
                pk=key, direction=Message.Direction.OUT, channel=Channel.EMAIL
            )
            if (message := found.first()) is not None:
                return message
    return None


def bounced(report: mailparts.Bounce) -> bool:
    """Marks the mail that came back; False when the report names none of ours, or is only about a delay.

    Whoever forges one must know the id of our mail and to whom it went.
    """
    message = our_mail(report.ids)
    if message is None or not report.failed:
        return False
    message = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if message.status not in {Message.Status.SENT, Message.Status.UNCERTAIN, Message.Status.SENDING}:
        return False
    if report.recipient and report.recipient != str(message.address).lower():
        return False
    line = BAD_ADDRESS if report.status.startswith("5.1.") else BOUNCED
    before, message.status = message.status, Message.Status.UNDELIVERED
    message.reason, message.error_code = line.reason, report.status[:10]
    message.claim = message.claimed_until = None
    message.save(update_fields=["status", "reason", "error_code", "claim", "claimed_until"])
    audit.record(
        "message.undelivered",
        message,
        by=SYSTEM,
        patient_id=message.patient_id,
        changes={"status": [before, message.status], "reason": ["", line.reason]},
    )
    refusals.follow(message, line)
    changes.announce(message.practice, "messages", "queue")
    return True


def receiver(host: str, port: int) -> Controller:
    """The server, ready to be started; it speaks SMTP in a thread of its own."""
    return Controller(
        Mailroom(),
        hostname=host,
        port=port,
        server_hostname="frontdesk",
        ident="Front Desk",
        data_size_limit=LARGEST,
        timeout=IDLE_SECONDS,
        decode_data=False,
        enable_SMTPUTF8=True,
        auth_exclude_mechanism=["LOGIN", "PLAIN"],  # who may deliver is told by the network
    )
