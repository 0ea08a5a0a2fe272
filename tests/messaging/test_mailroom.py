"""Mail in, by real SMTP against the real server: what is taken, what is refused, and what a mail may do."""

import os
import smtplib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import OperationalError, connections

from messaging import mailroom
from messaging.email import message_id
from messaging.mailparts import read_mail, without_history
from messaging.models import Attachment, Conversation, Message, Suppression, Task
from patients.models import Consent, ContactPoint
from practices.tenancy import inside
from tests.factories import a_patient, a_practice
from tests.messaging.conftest import a_text, agree

pytestmark = pytest.mark.django_db(transaction=True)

ANA = "ana@example.com"
heard: list[tuple[str, str]] = []


def claim(message: Message, reading: str) -> bool:
    heard.append((reading, message.body))
    return True


@pytest.fixture(autouse=True)
def handlers(settings):
    heard.clear()
    settings.REPLY_HANDLERS = ["tests.messaging.test_mailroom.claim"]


@pytest.fixture
def patient(practice):
    patient = a_patient(practice, "Ana")
    with inside(practice):
        ContactPoint.objects.create(practice=practice, patient=patient, system="email", value=ANA)
    agree(practice, patient, "email")
    return patient


@pytest.fixture
def server(practice) -> Iterator[Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = mailroom.receiver("127.0.0.1", port)
    running.start()
    yield running
    running.stop()
    connections.close_all()


def a_mail(body: str = "I have a question about parking.", sender: str = ANA, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "desk@harbor-street.example", "Re: your visit"
    mail["Message-ID"] = headers.pop("message_id", f"<{id(mail)}@example.com>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(body)
    return mail


def send(server, mail, to="desk@harbor-street.example", sender=ANA):
    content = mail if isinstance(mail, bytes) else mail.as_bytes()
    with smtplib.SMTP(server.hostname, server.port, timeout=20) as line:
        return line.sendmail(sender, [to], content)


def received(practice) -> list[Message]:
    with inside(practice):
        rows = Message.objects.filter(direction="in").select_related("patient", "in_reply_to")
        return list(rows.order_by("created_at"))


def our_mail(practice, patient, **fields) -> Message:
    """A mail of ours that has gone out."""
    sent = a_text(practice, patient, "Your visit", channel="email", **fields)
    with inside(practice):
        sent.status, sent.sent_at = Message.Status.SENT, sent.send_after
        sent.save(update_fields=["status", "sent_at"])
    return sent


def test_a_mail_is_stored_with_its_patient_and_waits_for_a_person(practice, patient, server):
    send(server, a_mail())
    (message,) = received(practice)
    assert (message.channel, message.patient, message.address) == ("email", patient, ANA)
    assert message.body == "I have a question about parking."
    assert message.needs_person
    with inside(practice):
        assert Task.objects.open().get().kind == "answer"
        thread = Conversation.objects.get()
        assert (thread.patient, thread.state, thread.last_kind) == (patient, "needs-action", "email")


def test_the_same_mail_again_changes_nothing(practice, patient, server):
    mail = a_mail()
    for _ in range(3):
        send(server, mail)
    assert len(received(practice)) == 1


def test_a_stranger_gets_a_thread_of_the_address(practice, server):
    send(server, a_mail(sender="Somebody <new@example.org>"))
    with inside(practice):
        thread = Conversation.objects.get()
    assert (thread.patient, thread.address, thread.state) == (None, "new@example.org", "needs-action")


def test_only_the_practices_own_addresses_are_known(practice, server):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(server, a_mail(), to="somebody@harbor-street.example")
    assert refused.value.recipients["somebody@harbor-street.example"][0] == 550
    assert received(practice) == []


def test_only_configured_relays_may_deliver(practice, server, settings):
    settings.MAIL_RELAYS = ["10.0.0.0/8"]
    with pytest.raises(smtplib.SMTPException):
        send(server, a_mail())
    assert received(practice) == []


def test_two_practices_keep_their_mail_apart(practice, patient, server):
    other = a_practice("cedar-park")
    send(server, a_mail(), to="desk@cedar-park.example")
    assert received(practice) == []
    (message,) = received(other)
    assert message.patient is None


def test_more_than_ten_megabytes_are_refused(practice, server):
    line = b"x" * 70 + b"\r\n"
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        send(server, b"From: a@example.com\r\n\r\n" + line * 150_000)
    assert refused.value.smtp_code == 552
    assert received(practice) == []


def test_while_the_database_is_away_the_relay_is_asked_to_come_again(practice, patient, server, monkeypatch):
    mail, real = a_mail(), mailroom.put_away

    def away(letter):
        raise OperationalError("gone")

    monkeypatch.setattr(mailroom, "put_away", away)
    with pytest.raises(smtplib.SMTPDataError) as later:
        send(server, mail)
    assert later.value.smtp_code == 451
    monkeypatch.setattr(mailroom, "put_away", real)
    send(server, mail)
    assert len(received(practice)) == 1


def test_a_fault_half_way_leaves_nothing_and_the_mail_comes_again(practice, patient, server, monkeypatch):
    from messaging import attachments

    real = attachments.store

    def break_down(*args):
        raise RuntimeError("a fault")

    monkeypatch.setattr(attachments, "store", break_down)
    mail = a_mail()
    with pytest.raises(smtplib.SMTPDataError):
        send(server, mail)
    assert received(practice) == []
    monkeypatch.setattr(attachments, "store", real)
    send(server, mail)
    assert len(received(practice)) == 1


def test_ten_deliveries_at_once_are_one_mail(practice, patient, server):
    mail = a_mail()

    refused: list[int] = []

    def deliver() -> None:
        try:
            send(server, mail)
        except smtplib.SMTPDataError as error:
            refused.append(error.smtp_code)

    threads = [threading.Thread(target=deliver) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    send(server, mail)
    assert set(refused) <= {451}
    assert len(received(practice)) == 1


def test_no_address_reaches_the_log(practice, patient, server, caplog):
    caplog.set_level("DEBUG")
    send(server, a_mail("where do I park"))
    assert ANA not in caplog.text
    assert "where do I park" not in caplog.text


def test_a_forged_yes_confirms_nothing(practice, patient, server):
    send(server, a_mail("Yes"))
    (message,) = received(practice)
    assert (message.reading, message.needs_person) == ("unclear", True)
    assert heard == []
    with inside(practice):
        assert "Reads like “Yes”" in Task.objects.open().get().note


def test_a_yes_in_answer_to_our_mail_is_taken(practice, patient, server):
    sent = our_mail(practice, patient)
    send(
        server,
        a_mail("Yes\n\n> Hello Ana,\n> you have", In_Reply_To=message_id(sent.pk, practice.email_sender)),
    )
    (message,) = received(practice)
    assert (message.reading, message.in_reply_to_id, message.needs_person) == ("yes", sent.pk, False)
    assert heard == [("yes", "Yes")]
    assert message.spoke_of["original"].endswith("> you have")


@pytest.mark.parametrize("case", ["another sender", "not our id", "id of a text"])
def test_an_answer_must_come_from_the_address_we_wrote_to(practice, patient, server, case):
    sent = our_mail(practice, patient)
    sender, identity = ANA, str(sent.pk)
    if case == "another sender":
        sender = "mallory@example.com"
    if case == "not our id":
        identity = "01890000-0000-7000-8000-000000000000"
    if case == "id of a text":
        identity = str(a_text(practice, patient).pk)
    send(server, a_mail("Yes", sender=sender, In_Reply_To=f"<{identity}@x>"), sender=sender)
    (message,) = received(practice)
    assert (message.reading, message.needs_person) == ("unclear", True)
    assert heard == []


def test_nothing_is_ever_answered_to_a_mail_by_a_machine(practice, patient, server):
    for body in ("STOP", "help", "info", "Parar", "hello"):
        send(server, a_mail(body))
    with inside(practice):
        assert not Message.objects.filter(direction="out").exists()


def test_stop_by_mail_stops_mails_and_nothing_else(practice, patient, server):
    agree(practice, patient, "sms")
    send(server, a_mail("Unsubscribe"))
    with inside(practice):
        assert list(Suppression.objects.filter(lifted_at=None).values_list("channel", "source")) == [
            ("email", "text")
        ]
        assert not Consent.objects.in_force().get(patient=patient, channel="email").granted
    assert a_text(practice, patient, channel="email").reason == "opted_out"


def test_free_words_for_silence_pause_and_ask_a_person(practice, patient, server):
    send(server, a_mail("Please take me off your list, thanks."))
    with inside(practice):
        assert Suppression.objects.get(lifted_at=None).source == "possible"
        assert "May want no more mails" in Task.objects.open().get().note


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ({"Auto_Submitted": "auto-replied"}, ANA),
        ({"Precedence": "bulk"}, ANA),
        ({"List_Id": "<news.example.com>"}, ANA),
        ({"X_Autoreply": "yes"}, ANA),
        ({}, "MAILER-DAEMON@example.com"),
        ({}, "no-reply@example.com"),
        ({}, ""),
    ],
)
def test_what_a_machine_wrote_is_kept_and_asks_nobody(practice, patient, server, headers, sender):
    send(server, a_mail("I am out of office. Yes.", sender=sender or ANA, **headers), sender=sender)
    (message,) = received(practice)
    assert (message.reading, message.needs_person) == ("", False)
    with inside(practice):
        assert not Task.objects.open().exists()
        assert not Message.objects.filter(direction="out").exists()
        assert Conversation.objects.get().state == "done"


def a_bounce(identity: str, recipient: str = ANA, action: str = "failed", status: str = "5.1.1") -> bytes:
    return (
        "From: MAILER-DAEMON@relay.example\r\nTo: desk@harbor-street.example\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"From: desk@harbor-street.example\r\nMessage-ID: {identity}\r\n\r\nHello\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(("status", "reason"), [("5.1.1", "no_such_address"), ("5.2.2", "bounced")])
def test_a_bounce_marks_our_mail_undelivered_and_asks_to_call(practice, patient, server, status, reason):
    sent = our_mail(practice, patient)
    for _ in range(2):
        send(server, a_bounce(message_id(sent.pk, practice.email_sender), status=status), sender="")
    with inside(practice):
        sent.refresh_from_db()
        assert (sent.status, sent.reason) == ("undelivered", reason)
        assert Task.objects.open().get().kind == "undelivered"
        unusable = ContactPoint.objects.get(patient=patient).unusable
    assert bool(unusable) == (reason == "no_such_address")
    assert received(practice) == []


@pytest.mark.parametrize(
    "wrong",
    [{"recipient": "else@example.com"}, {"action": "delayed", "status": "4.4.1"}, {"status": "4.2.2"}],
)
def test_a_delay_or_a_report_about_another_address_changes_nothing(practice, patient, server, wrong):
    sent = our_mail(practice, patient)
    send(server, a_bounce(message_id(sent.pk, practice.email_sender), **wrong), sender="")
    with inside(practice):
        sent.refresh_from_db()
    assert sent.status == "sent"


def nested(deep: int) -> bytes:
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(deep))
    return f"From: {ANA}\r\n{head}Content-Type: text/plain\r\n\r\ndeep down\r\n".encode()


HOSTILE = {
    "no From": b"To: desk@harbor-street.example\r\n\r\nhello\r\n",
    "empty": b"",
    "only NUL": b"\x00\x00\r\n",
    "NUL inside": b"From: ana@example.com\r\n\r\nhel\x00lo\r\n",
    "a thousand headers": b"From: ana@example.com\r\n" + b"X-More: y\r\n" * 1_000 + b"\r\nhello\r\n",
    "NUL in a type": b"From: ana@example.com\r\nContent-Type: image/p\x00ng\r\n\r\nabc\r\n",
    "unknown charset": b"From: ana@example.com\r\nContent-Type: text/plain; charset=elvish\r\n\r\nh\xe9y\r\n",
    "bad base64": b"From: ana@example.com\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%=\r\n",
    "bad encoded word": b"From: =?utf-8?b?//////?= <ana@example.com>\r\nSubject: =?x?q?=??=\r\n\r\nhello\r\n",
    "eight bits everywhere": b"From: \xff\xfe <ana@example.com>\r\nSubject: \xff\r\n\r\n\xff\xfe\r\n",
    "a hundred deep": nested(100),
    "a thousand deep": nested(1_000),
    "boundary missing": b"From: ana@example.com\r\nContent-Type: multipart/mixed\r\n\r\nhello\r\n",
    "two Froms": b"From: ana@example.com\r\nFrom: mallory@example.com\r\n\r\nhello\r\n",
    "From of a list": b"From: a@x.example, b@x.example\r\n\r\nhello\r\n",
    "newline in From": b"From: =?utf-8?q?x=0ABcc=3A?= <ana@example.com>\r\n\r\nhello\r\n",
    "script": b"From: ana@example.com\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>hi\r\n",
    "unfinished markup": b"From: ana@example.com\r\nContent-Type: text/html\r\n\r\n<p>hello <a href='x\r\n",
    "long line": b"From: ana@example.com\r\n\r\n" + b"x" * 900 + b"\r\n",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_mails_are_stored_and_nothing_stumbles(practice, patient, server, case):
    send(server, HOSTILE[case])
    (message,) = received(practice)
    assert message.needs_person or not message.body
    assert "\x00" not in message.body
    assert "alert(1)" not in message.body
    assert message.address in {ANA, "a@x.example", "unknown"}
    send(server, a_mail("and the next one is taken too"))
    assert len(received(practice)) == 2


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Yes\n\nOn Tue, Nov 24, 2026 at 9:00 AM Harbor Street <desk@x> wrote:\n> Hello", "Yes"),
        ("Sí\n\nEl mar, 24 nov 2026 a las 9:00, Harbor Street escribió:\n> Hola", "Sí"),
        ("Yes\n\nOn Tue, Nov 24, 2026 at 9:00 AM\nHarbor Street <desk@x> wrote:\n> Hello", "Yes"),
        ("Yes\n-- \nAna Vega\n555 0142", "Yes"),
        ("Yes\n\nSent from my iPhone", "Yes"),
        ("No puedo\n\nEnviado desde mi iPhone", "No puedo"),
        ("Yes\n-----Original Message-----\nFrom: x", "Yes"),
        ("Yes\n________________________________\nFrom: Harbor <d@x>\nSent: Tue", "Yes"),
        ("> only quoted\n> lines", "> only quoted\n> lines"),
        ("On Thursday I can come\nat nine.", "On Thursday I can come\nat nine."),
        ("one\n\n\n\n\ntwo", "one\n\ntwo"),
    ],
)
def test_history_and_signature_are_cut_gently(text, kept):
    assert without_history(text) == kept


def test_the_plain_part_is_preferred_and_markup_is_read_as_words():
    mail = a_mail("plain words")
    mail.add_alternative("<p>rich words</p>", subtype="html")
    assert read_mail(mail.as_bytes(), ANA).body == "plain words"
    rich = EmailMessage()
    rich["From"] = ANA
    rich.set_content("<style>p{}</style><p>rich &amp; <b>bold</b></p><p>second</p>", subtype="html")
    assert read_mail(rich.as_bytes(), ANA).body == "rich & bold\n\nsecond"


def test_a_file_in_a_mail_waits_in_quarantine(practice, patient, server):
    mail = a_mail("Here is my card")
    mail.add_attachment(b"\x89PNG\r\n\x1a\n" + b"x" * 50, "image", "png", filename="\u202egpj.exe")
    mail.add_attachment(b"MZ\x90\x00", "application", "pdf", filename="card.pdf")
    send(server, mail)
    with inside(practice):
        rows = list(Attachment.objects.order_by("position"))
    assert [(row.state, row.found_type, row.content is None) for row in rows] == [
        ("quarantine", "image/png", False),
        ("refused", "", True),
    ]
    assert rows[1].reason == "not a picture or a PDF"


def test_the_process_takes_mail_and_ends_when_told(practice):
    """As production starts it, on the suite's database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = connections["default"].settings_dict["NAME"]
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "receive_mail", "--listen", f"127.0.0.1:{port}"],
        cwd=Path(__file__).parents[2], env=os.environ | {"DATABASE_URL": urlunsplit(database)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == f"Mail is taken at 127.0.0.1:{port}."
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as line:
            line.sendmail(ANA, [practice.email_sender], a_mail().as_bytes())
        assert len(received(practice)) == 1
        process.terminate()
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
