"""E-mail through Django's mail; anymail in production."""

import re
import smtplib
from email.utils import formataddr

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import BadHeaderError

from messaging.outcomes import NOT_CONNECTED, UNCERTAIN, UNKNOWN, Answer, Then, Verdict

METHOD = re.compile(r"^METHOD:([A-Z]+)\r?$", re.MULTILINE)
BAD_ADDRESS = Verdict(Then.BAD_NUMBER, "no_such_address", "the mailbox does not exist")
NOT_SENT = Verdict(Then.RETRY, "busy", "the mail server is busy")


def message_id(identity: object, sender: str) -> str:
    """The Message-ID: the same for each try, so that mailboxes can drop a second copy."""
    return f"<{identity}@{sender.rpartition('@')[2] or 'frontdesk.invalid'}>"


def send(
    *,
    sender: str,
    sender_name: str,
    to: str,
    subject: str,
    body: str,
    identity: object,
    calendar: str | None = None,
    connection: BaseEmailBackend | None = None,
) -> Answer:
    """Hands one mail to the mail server; never raises, what is not understood is uncertain.

    `calendar` is an iCalendar object: mail programs read it beside the words, others find it as a file.
    """
    try:
        mail = EmailMultiAlternatives(
            subject=subject,
            body=body,
            from_email=formataddr((sender_name, sender)),
            to=[to],
            headers={"Message-ID": message_id(identity, sender), "Auto-Submitted": "auto-generated"},
        )
        if calendar:
            enclose(mail, calendar)
        mail.connection = connection or get_connection()
        sent = mail.send()
    except Exception as error:
        return _meaning(error)
    return Answer("accepted", supplier_id=str(identity)) if sent else UNCERTAIN


def enclose(mail: EmailMultiAlternatives, calendar: str) -> None:
    """Adds a calendar object, with the METHOD of its own in the header too (RFC 6047)."""
    found = METHOD.search(calendar)
    method = found[1] if found else "PUBLISH"
    mail.attach_alternative(calendar, f"text/calendar; method={method}")
    mail.attach("appointment.ics", calendar.encode(), "application/ics")


def _meaning(error: Exception) -> Answer:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max(status for status, _ in error.recipients.values())
        return Answer("refused", code=str(code), verdict=BAD_ADDRESS if code >= 500 else NOT_SENT)
    if isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
        return Answer("refused", code=str(code), verdict=UNKNOWN if code >= 500 else NOT_SENT)
    if isinstance(error, (ConnectionRefusedError, smtplib.SMTPConnectError)):
        return Answer("refused", verdict=NOT_CONNECTED)
    if isinstance(error, (BadHeaderError, UnicodeError, ValueError)):
        return Answer("refused", verdict=UNKNOWN)
    return UNCERTAIN
