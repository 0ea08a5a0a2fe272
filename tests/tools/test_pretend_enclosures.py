"""Pictures in texts, and the mails that patients write, with the marks that bind an answer to its mail."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.tools.test_pretend_supplier import LINE, PHONE, Practice, client_of
from tools.pretend_supplier.client import ControlError, PretendSupplier
from tools.pretend_supplier.mail import free_port


class Mailroom:
    """A practice's mailroom that keeps what comes, or refuses it."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.answer = "250 Taken"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append(message_from_bytes(content, policy=policy.default))
        return self.answer


@pytest.fixture
def practice() -> Iterator[Practice]:
    practice = Practice()
    yield practice
    practice.server.shutdown()
    practice.server.server_close()


@pytest.fixture
def room() -> Mailroom:
    return Mailroom()


@pytest.fixture
def supplier(practice: Practice, room: Mailroom) -> Iterator[PretendSupplier]:
    controller = Controller(room, hostname="127.0.0.1", port=free_port())
    controller.start()
    with PretendSupplier({LINE: practice.url + "/in/"}, mailroom=f"127.0.0.1:{controller.port}") as supplier:
        yield supplier
    controller.stop()


def a_mail(supplier: PretendSupplier) -> Any:
    letter = EmailMessage()
    letter["From"], letter["To"] = "Harbor Street <desk@frontdesk.example>", "maria@mail.example"
    letter["Reply-To"], letter["Subject"] = "harbor-street@mail.frontdesk.example", "Your visit"
    letter["Message-ID"] = "<one@frontdesk.example>"
    letter.set_content("See you on Tuesday.")
    with smtplib.SMTP(supplier.smtp_host, supplier.smtp_port) as smtp:
        smtp.send_message(letter)
    return supplier.mails()[0]


class TestPictures:
    def test_a_picture_is_announced_and_fetched_with_the_account(
        self, supplier: PretendSupplier, practice: Practice
    ) -> None:
        text = supplier.write(PHONE, LINE, "My card", ["png", "pdf"])
        assert text["sid"].startswith("MM")
        supplier.wait_for(lambda: practice.taken)
        params = practice.taken[0][1]
        assert (params["NumMedia"], params["MediaContentType1"]) == ("2", "application/pdf")
        assert params["MediaUrl0"].startswith(supplier.base_url + "/2010-04-01/Accounts/")
        assert requests.get(params["MediaUrl0"], timeout=5).status_code == 401
        signed_in = (supplier.account_sid, supplier.auth_token)
        picture = requests.get(params["MediaUrl0"], auth=signed_in, timeout=5)
        assert (picture.headers["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")
        assert requests.get(params["MediaUrl1"], auth=signed_in, timeout=5).content.startswith(b"%PDF-")

    def test_the_official_client_deletes_a_picture(self, supplier: PretendSupplier) -> None:
        text = supplier.write(PHONE, LINE, "", ["jpeg"])
        media = client_of(supplier).messages(text["sid"]).media
        assert [one.content_type for one in media.list()] == ["image/jpeg"]
        assert media(text["media"][0]["sid"]).fetch().parent_sid == text["sid"]
        assert media(text["media"][0]["sid"]).delete()
        assert supplier.conversation(PHONE)[0]["media"] == []

    def test_media_can_be_made_to_fail(self, supplier: PretendSupplier, practice: Practice) -> None:
        supplier.write(PHONE, LINE, "", ["jpeg"])
        supplier.wait_for(lambda: practice.taken)
        supplier.fault("503", on="media")
        signed_in = (supplier.account_sid, supplier.auth_token)
        url = practice.taken[0][1]["MediaUrl0"]
        assert [requests.get(url, auth=signed_in, timeout=5).status_code for _ in range(2)] == [503, 200]

    def test_only_known_things_can_be_sent_along(self, supplier: PretendSupplier) -> None:
        with pytest.raises(ControlError, match="can be sent along"):
            supplier.write(PHONE, LINE, "", ["spreadsheet"])


class TestMails:
    def test_an_answer_goes_where_the_mail_asks_and_names_it(
        self, supplier: PretendSupplier, room: Mailroom
    ) -> None:
        mail = a_mail(supplier)
        assert supplier.answer_mail(mail["id"], "Yes, see you then.", ["png"])["note"] == ""
        (letter,) = room.letters
        assert (letter["From"], letter["To"]) == (
            "maria@mail.example",
            "harbor-street@mail.frontdesk.example",
        )
        assert (letter["Subject"], letter["In-Reply-To"]) == ("Re: Your visit", "<one@frontdesk.example>")
        body = letter.get_body(("plain",))
        assert body is not None
        assert body.get_content().startswith("Yes, see you then.")
        assert "> See you on Tuesday." in body.get_content()
        assert [part.get_content_type() for part in letter.iter_attachments()] == ["image/png"]

    def test_what_the_mailroom_refuses_is_kept_with_its_reason(
        self, supplier: PretendSupplier, room: Mailroom
    ) -> None:
        room.answer = "554 Not here"
        sent = supplier.write_mail("maria@mail.example", "x@frontdesk.example", "Hello", "Words")
        assert "554" in sent["note"]
        assert supplier.mails()[-1]["written"]

    def test_without_a_mailroom_it_says_so(self) -> None:
        with PretendSupplier({}) as supplier:
            sent = supplier.write_mail("maria@mail.example", "x@frontdesk.example", "Hello", "Words")
        assert "nowhere" in sent["note"]


class TestPages:
    def test_a_mail_is_answered_by_its_form(self, supplier: PretendSupplier, room: Mailroom) -> None:
        mail = a_mail(supplier)
        page = f"{supplier.base_url}/mails/{mail['id']}"
        assert "Answer as maria@mail.example" in requests.get(page, timeout=5).text
        answer = requests.post(page, {"body": "On <b>my</b> way", "enclosed": ["pdf", "jpeg"]}, timeout=5)
        assert answer.status_code == 200
        assert "On &lt;b&gt;my&lt;/b&gt; way" in answer.text
        assert len(list(room.letters[0].iter_attachments())) == 2

    def test_a_picture_is_sent_by_the_phones_form(
        self, supplier: PretendSupplier, practice: Practice
    ) -> None:
        page = f"{supplier.base_url}/phones/{PHONE}"
        answer = requests.post(page, {"line": LINE, "body": "", "enclosed": "eicar"}, timeout=5)
        assert "[Virus test file that says PNG]" in answer.text
        supplier.wait_for(lambda: practice.taken)
        assert practice.taken[0][1]["NumMedia"] == "1"
