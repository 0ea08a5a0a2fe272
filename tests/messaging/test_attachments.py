"""What comes along with messages: fetched from the supplier only, judged by bytes, scanned, then shown."""

import datetime as dt
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from messaging import attachments, inbox, scanning
from messaging.filetypes import type_of, why_refused
from messaging.models import Attachment
from practices.models import AuditEntry
from practices.tenancy import inside
from tests.factories import PASSWORD, a_member, a_practice, a_user
from tests.messaging.conftest import PHONE

pytestmark = pytest.mark.django_db(transaction=True)

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
GOOD = {
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"\x00" * 40,
    "image/png": PNG,
    "image/gif": b"GIF89a" + b"\x00" * 40,
    "image/tiff": b"II*\x00" + b"\x00" * 40,
    "image/heic": b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40,
    "application/pdf": b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n%%EOF",
}
BAD = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<!DOCTYPE html><html><body>hi</body></html>",
    "program": b"MZ\x90\x00\x03",
    "archive": b"PK\x03\x04" + b"\x00" * 40,
    "words": b"hello",
    "empty": b"",
    "eicar": EICAR,
    "picture with markup": b"GIF89a/*<script>alert(1)</script>*/",
    "picture that is an archive": PNG + b"PK\x05\x06" + b"\x00" * 18,
    "picture that is a PDF": b"\xff\xd8\xff\xe0\n%PDF-1.4\n" + b"\x00" * 40,
    "PDF with script": b"%PDF-1.7\n<< /S /JavaScript /JS (app.alert(1)) >>\n%%EOF",
    "PDF that starts programs": b"%PDF-1.7\n<< /S /Launch /F (cmd.exe) >>\n%%EOF",
    "PDF not at the beginning": b"\x00\x00%PDF-1.7\n%%EOF",
    "html with a PDF's first letters late": b"   %PDF-1.4<html>",
}


class Clamd:
    """A scanner that speaks the real protocol and finds EICAR."""

    def __init__(self) -> None:
        self.line = socket.create_server(("127.0.0.1", 0))
        self.seen: list[bytes] = []
        self.said: Callable[[bytes], bytes] = lambda content: (
            b"stream: Eicar-Test-Signature FOUND\0" if EICAR[:30] in content else b"stream: OK\0"
        )
        threading.Thread(target=self.work, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.line.getsockname()[1]}"

    def work(self) -> None:
        while True:
            try:
                caller, _ = self.line.accept()
            except OSError:
                return
            with caller, caller.makefile("rb") as stream:
                assert stream.read(10) == b"zINSTREAM\0"
                content = b""
                while size := struct.unpack("!L", stream.read(4))[0]:
                    content += stream.read(size)
                self.seen.append(content)
                caller.sendall(self.said(content))


@pytest.fixture
def clamd(settings) -> Iterator[Clamd]:
    scanner = Clamd()
    settings.CLAMD_ADDRESS = scanner.address
    yield scanner
    scanner.line.close()


class Media(ThreadingHTTPServer):
    """The supplier's files: path → status, headers, bytes; remembers what was asked and how."""

    files: dict[str, tuple[int, dict[str, str], bytes]]
    asked: list[tuple[str, str]]
    in_transaction: bool


class Handler(BaseHTTPRequestHandler):
    server: Media

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        status, headers, content = self.server.files.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def media(settings) -> Iterator[Media]:
    server = Media(("127.0.0.1", 0), Handler)
    server.files, server.asked = {}, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.TWILIO_BASE_URL = f"http://127.0.0.1:{server.server_address[1]}"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC1", "secret"
    yield server
    server.shutdown()
    server.server_close()


def a_picture(practice, url="", declared="image/png", sid="SM1"):
    with inside(practice):
        message = inbox.receive(
            supplier_id=sid, from_=PHONE, body="my card", media=1, pictures=[(url, declared)]
        )
        return Attachment.objects.get(message=message)


def checked(practice, row):
    with inside(practice):
        Attachment.objects.filter(pk=row.pk, next_try_at__isnull=False).update(
            next_try_at=row.created_at - dt.timedelta(seconds=1)
        )
    attachments.check_due(practice)
    with inside(practice):
        return Attachment.objects.get(pk=row.pk)


@pytest.mark.parametrize("kind", GOOD)
def test_a_few_kinds_of_files_are_known_by_their_bytes(kind):
    assert (type_of(GOOD[kind]), why_refused(GOOD[kind])) == (kind, "")


@pytest.mark.parametrize("kind", BAD)
def test_everything_else_is_refused_in_words(kind):
    assert why_refused(BAD[kind])


def test_a_picture_is_fetched_scanned_and_then_clean(practice, patient, media, clamd):
    media.files["/Media/ME1"] = (200, {}, PNG)
    row = a_picture(practice, f"http://127.0.0.1:{media.server_address[1]}/Media/ME1")
    assert (row.state, row.content) == ("announced", None)
    after = checked(practice, row)
    assert (after.state, after.found_type, after.size, bytes(after.content)) == (
        "clean",
        "image/png",
        72,
        PNG,
    )
    assert after.next_try_at is None
    assert clamd.seen == [PNG]
    assert media.asked[0][1].startswith("Basic ")
    with inside(practice):
        assert AuditEntry.objects.filter(verb="attachment.clean").count() == 1


def test_the_suppliers_public_address_goes_where_the_supplier_is(practice, patient, media, clamd):
    media.files["/2010-04-01/Media/ME1"] = (200, {}, PNG)
    row = a_picture(practice, "https://api.twilio.com/2010-04-01/Media/ME1")
    assert checked(practice, row).state == "clean"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://api.twilio.com.evil.example/x",
        "https://api.twilio.com@evil.example/x",
        "file:" + "//" + "/etc/passwd",
        "http://api.twilio.com/x",
        "//evil.example/x",
        "gopher://x",
        "not an address",
        "http://[::1/",
        "",
    ],
)
def test_no_other_host_is_ever_asked(practice, patient, media, clamd, url):
    row = a_picture(practice, url)
    after = checked(practice, row)
    assert (after.state, after.content) == ("refused", None)
    assert media.asked == []


def test_a_redirect_goes_without_the_password_and_only_to_media_hosts(practice, patient, media, clamd):
    media.files["/a"] = (307, {"Location": "/b"}, b"")
    media.files["/b"] = (200, {}, PNG)
    media.files["/evil"] = (302, {"Location": "http://localhost:1/steal"}, b"")
    media.files["/loop"] = (302, {"Location": "/loop"}, b"")
    base = f"http://127.0.0.1:{media.server_address[1]}"
    assert checked(practice, a_picture(practice, f"{base}/a", sid="SM1")).state == "clean"
    assert [(path, bool(auth)) for path, auth in media.asked] == [("/a", True), ("/b", False)]
    evil = checked(practice, a_picture(practice, f"{base}/evil", sid="SM2"))
    assert (evil.state, evil.reason) == ("refused", "not from the supplier")
    assert checked(practice, a_picture(practice, f"{base}/loop", sid="SM3")).state == "refused"


def test_too_large_gone_and_broken(practice, patient, media, clamd, monkeypatch):
    monkeypatch.setattr(attachments, "LARGEST", 1_000)
    media.files["/large"] = (200, {}, PNG + b"x" * 2_000)
    media.files["/broken"] = (500, {}, b"")
    base = f"http://127.0.0.1:{media.server_address[1]}"
    large = checked(practice, a_picture(practice, f"{base}/large", sid="SM1"))
    assert (large.state, large.reason) == ("refused", "too large")
    assert checked(practice, a_picture(practice, f"{base}/gone", sid="SM2")).state == "refused"
    broken = checked(practice, a_picture(practice, f"{base}/broken", sid="SM3"))
    assert (broken.state, broken.attempts) == ("announced", 1)
    for _ in range(attachments.TRIES):
        broken = checked(practice, broken)
    assert (broken.state, broken.reason) == ("refused", "could not be fetched")


@pytest.mark.parametrize("case", ["none configured", "away", "error"])
def test_without_a_scanner_it_stays_in_quarantine_and_is_tried_again(
    practice, patient, media, clamd, settings, case
):
    media.files["/m"] = (200, {}, PNG)
    address = clamd.address
    if case == "error":
        clamd.said = lambda content: b"INSTREAM size limit exceeded. ERROR\0"
    settings.CLAMD_ADDRESS = {"none configured": "", "away": "127.0.0.1:1"}.get(case, address)
    row = checked(practice, a_picture(practice, f"http://127.0.0.1:{media.server_address[1]}/m"))
    assert (row.state, row.reason) == ("quarantine", attachments.WAITING)
    assert row.next_try_at is not None
    clamd.said = lambda content: b"stream: OK\0"
    settings.CLAMD_ADDRESS = address
    assert checked(practice, row).state == "clean"
    assert len(media.asked) == 1  # not fetched a second time


def test_what_the_scanner_finds_is_refused_and_its_bytes_are_gone(practice, patient, media, clamd):
    clamd.said = lambda content: b"stream: Win.Test FOUND\0"
    media.files["/m"] = (200, {}, PNG)
    row = checked(practice, a_picture(practice, f"http://127.0.0.1:{media.server_address[1]}/m"))
    assert (row.state, row.reason, row.content) == ("refused", "a virus was found", None)


def test_the_scanner_finds_eicar_by_its_own_protocol(clamd):
    assert scanning.scan(b"harmless").clean
    assert scanning.scan(b"%PDF-" + EICAR).found == "Eicar-Test-Signature"
    assert scanning.scan(b"x" * 300_000).clean
    assert len(clamd.seen[-1]) == 300_000


def test_two_workers_at_once_fetch_once(practice, patient, media, clamd):
    media.files["/m"] = (200, {}, PNG)
    row = a_picture(practice, f"http://127.0.0.1:{media.server_address[1]}/m")

    def work() -> None:
        try:
            attachments.check_due(practice)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(media.asked) == 1
    with inside(practice):
        assert Attachment.objects.get(pk=row.pk).state == "clean"


def test_no_transaction_is_open_while_the_network_is_waited_for(practice, patient, media, clamd, monkeypatch):
    media.files["/m"] = (200, {}, PNG)
    a_picture(practice, f"http://127.0.0.1:{media.server_address[1]}/m")
    open_meanwhile: list[bool] = []
    real_fetch, real_scan = attachments.fetch, scanning.scan

    def fetch(*args: Any) -> bytes:
        open_meanwhile.append(connection.in_atomic_block)
        return real_fetch(*args)

    def scan(content: bytes) -> scanning.Verdict:
        open_meanwhile.append(connection.in_atomic_block)
        return real_scan(content)

    monkeypatch.setattr(attachments, "fetch", fetch)
    monkeypatch.setattr(scanning, "scan", scan)
    attachments.check_due(practice)
    assert open_meanwhile == [False, False]


def test_at_most_ten_of_one_message_are_kept(practice, patient):
    with inside(practice):
        message = inbox.receive(
            supplier_id="SM1", from_=PHONE, body="", media=12, pictures=[("https://x/", "image/png")] * 12
        )
        assert Attachment.objects.filter(message=message).count() == 10
        assert message.needs_person


@pytest.fixture
def desk(practice):
    a_member(practice)
    client = Client()
    client.login(email="dana@frontdesk.example", password=PASSWORD)
    return client


def a_clean_one(practice, **fields):
    row = a_picture(practice, "https://x/")
    with inside(practice):
        values = {"state": "clean", "content": PNG, "found_type": "image/png"} | fields
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
    return row


def door(practice, row):
    return reverse("attachment", args=[practice.slug, row.pk])


def test_a_checked_file_is_a_download_that_can_run_nothing(practice, patient, desk):
    row = a_clean_one(practice)
    answer = desk.get(door(practice, row))
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, PNG, "image/png")
    assert answer["Content-Disposition"] == 'attachment; filename="attachment-1.png"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "no-store" in answer["Cache-Control"]
    with inside(practice):
        assert AuditEntry.objects.get(verb="attachment.opened").patient_id == patient.pk


@pytest.mark.parametrize("state", ["announced", "quarantine", "refused"])
def test_what_is_not_checked_is_not_there(practice, patient, desk, state):
    assert desk.get(door(practice, a_clean_one(practice, state=state))).status_code == 404


def test_no_other_practice_and_no_stranger_opens_it(practice, patient, desk):
    other = a_practice("cedar-park")
    a_member(other, a_user("eve@frontdesk.example"))
    row = a_clean_one(practice)
    eve = Client()
    eve.login(email="eve@frontdesk.example", password=PASSWORD)
    assert eve.get(door(practice, row)).status_code == 404
    assert eve.get(door(other, row)).status_code == 404
    assert Client().get(door(practice, row)).status_code == 302
