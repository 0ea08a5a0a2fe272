"""Patients' mails: answers to what the practice sent, and new ones, by SMTP to the practice's mailroom."""

from __future__ import annotations

import secrets
import smtplib
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr

from .courier import on_this_machine
from .ledger import Ledger, Mail, now
from .pictures import ENCLOSURES
from .settings import Settings
from .wire import BadRequest

SECONDS = 10


class MailOut:
    """Sends mails to the mailroom, which must be on this machine."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings, self.ledger = settings, ledger

    def answer(self, mail: Mail, body: str, enclosed: Sequence[str] = ()) -> Mail:
        """Answer a mail as its recipient would, with the marks that bind an answer to its mail."""
        if mail.written or not mail.recipients:
            raise BadRequest("only a mail from a practice can be answered")
        subject = mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
        quoted = "\n".join(f"> {line}" for line in mail.text.splitlines()[:40])
        words = f"{body.strip()}\n\nOn {mail.received[:10]}, {mail.sender} wrote:\n{quoted}\n"
        to = mail.reply_to or mail.sender
        return self.write(mail.recipients[0], to, subject, words, enclosed, reply_to=mail.message_id)

    def write(
        self,
        from_: str,
        to: str,
        subject: str,
        body: str,
        enclosed: Sequence[str] = (),
        *,
        reply_to: str = "",
    ) -> Mail:
        """Send a mail; what became of it is kept with it."""
        sender, recipient = parseaddr(from_)[1], parseaddr(to)[1]
        if "@" not in sender or "@" not in recipient or not body.strip():
            raise BadRequest("a mail has two addresses and words")
        letter = EmailMessage()
        letter["From"], letter["To"] = sender, recipient
        letter["Subject"] = " ".join(subject.split())
        letter["Date"], letter["Message-ID"] = formatdate(), make_msgid(domain="mail.example")
        if reply_to:
            letter["In-Reply-To"] = letter["References"] = reply_to
        letter.set_content(body)
        for name in enclosed:
            add(letter, name)
        kept = Mail(
            id=secrets.token_hex(8),
            received=now(),
            sender=sender,
            recipients=[recipient],
            subject=str(letter["Subject"]),
            text=body.strip(),
            message_id=str(letter["Message-ID"]),
            note=self._send(letter, sender, recipient),
            written=True,
        )
        self.ledger.keep_mail(kept)
        return kept

    def _send(self, letter: EmailMessage, sender: str, recipient: str) -> str:
        host, _, port = self.settings.mailroom.rpartition(":")
        if not host or not port.isdigit():
            return "It went nowhere: no practice takes mails here."
        if not on_this_machine(host):
            return "It went nowhere: the mailroom is not on this machine."
        try:
            with smtplib.SMTP(host, int(port), timeout=SECONDS) as smtp:
                smtp.send_message(letter, sender, [recipient])
        except (OSError, smtplib.SMTPException) as error:
            return f"The practice's mailroom did not take it: {error}"
        return ""


def add(letter: EmailMessage, name: str) -> None:
    """Put an enclosure into a letter."""
    if name not in ENCLOSURES:
        raise BadRequest(f"there is no enclosure {name!r}; there are: {', '.join(ENCLOSURES)}")
    one = ENCLOSURES[name]
    kind, _, part = one.declared.partition("/")
    letter.add_attachment(one.content, maintype=kind, subtype=part, filename=one.name)
