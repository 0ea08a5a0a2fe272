"""The pretend supplier, driven by the official client and by a small practice's system of the test's own."""

from __future__ import annotations

import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tools.pretend_supplier.client import ControlError, PretendSupplier
from tools.pretend_supplier.settings import Settings, SettingsError, read_config
from tools.pretend_supplier.texts import segments

LINE = "+15035550100"
OTHER_LINE = "+15125550100"
PHONE = "+15035550142"
ROOT = Path(__file__).parents[2]


class Elsewhere(TwilioHttpClient):
    """Sends what is meant for the supplier's host to another address."""

    def __init__(self, base_url: str, timeout: float = 5.0) -> None:
        super().__init__(timeout=timeout)
        self.base_url = base_url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Replace the host and go on."""
        return super().request(method, url.replace("https://api.twilio.com", self.base_url), *args, **kwargs)


class Practice:
    """A practice's system that takes webhooks and answers what the test wishes."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.answers: list[tuple[int, str, str]] = []
        practice = self

        class Taker(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                params = dict(parse_qsl(body, keep_blank_values=True))
                practice.taken.append((self.path, params, dict(self.headers.items())))
                status, kind, text = practice.answers.pop(0) if practice.answers else (204, "", "")
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Taker)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def statuses(self) -> list[str]:
        """Return the statuses told by callbacks, in order."""
        return [params["MessageStatus"] for _, params, _ in self.taken if "MessageStatus" in params]


@pytest.fixture
def practice() -> Iterator[Practice]:
    practice = Practice()
    yield practice
    practice.server.shutdown()
    practice.server.server_close()


@pytest.fixture
def supplier(practice: Practice) -> Iterator[PretendSupplier]:
    with PretendSupplier({LINE: practice.url + "/in/", OTHER_LINE: practice.url + "/other/"}) as supplier:
        yield supplier


@pytest.fixture
def client(supplier: PretendSupplier) -> Client:
    return client_of(supplier)


def client_of(supplier: PretendSupplier, token: str = "", timeout: float = 5.0) -> Client:
    return Client(
        supplier.account_sid,
        token or supplier.auth_token,
        http_client=Elsewhere(supplier.base_url, timeout),
    )


def send(client: Client, to: str = PHONE, body: str = "See you on Tuesday at 9:00.", **more: Any) -> Any:
    return client.messages.create(to=to, from_=LINE, body=body, **more)


def refusal(client: Client, **fields: Any) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        send(client, **fields)
    return caught.value


class TestSending:
    def test_a_send_has_the_shape_the_official_client_reads(self, client: Client) -> None:
        message = send(client, validity_period=3600)
        assert re.fullmatch(r"SM[0-9a-f]{32}", message.sid)
        assert (message.status, message.direction) == ("queued", "outbound-api")
        assert (message.to, message.from_, message.num_segments) == (PHONE, LINE, "1")
        assert message.date_created is not None
        assert message.date_sent is None
        assert message.price is None
        assert message.error_code is None
        assert message.uri == f"/2010-04-01/Accounts/{client.account_sid}/Messages/{message.sid}.json"

    def test_it_arrives_on_the_phone_and_can_be_fetched(
        self, client: Client, supplier: PretendSupplier
    ) -> None:
        sid = send(client).sid
        supplier.settle()
        fetched = client.messages(sid).fetch()
        assert fetched.status == "delivered"
        assert fetched.date_sent is not None
        assert [text["body"] for text in supplier.texts_to(PHONE)] == ["See you on Tuesday at 9:00."]

    def test_wrong_credentials_are_20003(self, supplier: PretendSupplier) -> None:
        error = refusal(client_of(supplier, token="wrong"))
        assert (error.status, error.code) == (401, 20003)
        assert supplier.ledger() == []

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"to": "+1503"}, 21211),
            ({"to": "not a number"}, 21211),
            ({"to": ""}, 21604),
            ({"body": ""}, 21602),
            ({"body": "x" * 1601}, 21617),
            ({"status_callback": "nonsense"}, 21609),
            ({"validity_period": 36_001}, 20001),
        ],
    )
    def test_what_is_refused(
        self, client: Client, supplier: PretendSupplier, fields: dict[str, Any], code: int
    ) -> None:
        error = refusal(client, **fields)
        assert (error.status, error.code) == (400, code)
        assert supplier.ledger() == []

    def test_a_foreign_sender_is_refused(self, client: Client) -> None:
        with pytest.raises(TwilioRestException) as caught:
            client.messages.create(to=PHONE, from_="+15035550999", body="Hello")
        assert caught.value.code == 21606

    def test_a_landline_is_refused_when_set_up_as_one(
        self, client: Client, supplier: PretendSupplier
    ) -> None:
        supplier.set_phone(PHONE, "landline")
        assert refusal(client).code == 21614
        supplier.set_phone(PHONE, "mobile")
        assert send(client).sid

    def test_cancelling_works_only_before_it_is_sent(self, practice: Practice) -> None:
        with PretendSupplier({LINE: practice.url}, delay=0.3) as supplier:
            client = client_of(supplier)
            early = send(client)
            assert client.messages(early.sid).update(status="canceled").status == "canceled"
            late = send(client)
            supplier.settle()
            with pytest.raises(TwilioRestException):
                client.messages(late.sid).update(status="canceled")
            assert client.messages(early.sid).fetch().status == "canceled"

    def test_a_body_can_be_erased_and_a_message_deleted(
        self, client: Client, supplier: PretendSupplier
    ) -> None:
        sid = send(client).sid
        supplier.settle()
        assert client.messages(sid).update(body="").body == ""
        assert client.messages(sid).delete()
        with pytest.raises(TwilioRestException) as caught:
            client.messages(sid).fetch()
        assert (caught.value.status, caught.value.code) == (404, 20404)


def test_segments_count_like_the_carrier() -> None:
    assert [segments("a" * 160), segments("a" * 161), segments("a" * 307)] == [1, 2, 3]
    assert [segments("€" * 80), segments("€" * 81)] == [1, 2]
    assert [segments("👍" * 35), segments("👍" * 36)] == [1, 2]


class TestLists:
    def test_newest_first_filtered_by_both_sides(self, client: Client) -> None:
        sent = [send(client, body=f"Text {number}").sid for number in range(3)]
        send(client, to="+15035550199")
        assert [message.sid for message in client.messages.list(to=PHONE)] == sent[::-1]
        assert client.messages.list(to=PHONE, from_=OTHER_LINE) == []

    def test_pages_hold_still_while_new_texts_come(self, client: Client) -> None:
        sent = [send(client, body=f"Text {number}").sid for number in range(5)]
        page = client.messages.page(to=PHONE, page_size=2)
        seen = [message.sid for message in page]
        send(client, body="came in between")
        while (page := page.next_page()) is not None:
            seen += [message.sid for message in page]
        assert seen == sent[::-1]

    def test_the_list_carries_the_paging_fields(self, client: Client, supplier: PretendSupplier) -> None:
        send(client)
        address = f"{supplier.base_url}/2010-04-01/Accounts/{client.account_sid}/Messages.json"
        answer = requests.get(
            address, params={"PageSize": "1"}, auth=(client.username, client.password), timeout=5
        ).json()
        assert set(answer) == {
            *("end", "first_page_uri", "messages", "next_page_uri", "page"),
            *("page_size", "previous_page_uri", "start", "uri"),
        }
        assert (answer["page"], answer["page_size"], answer["next_page_uri"]) == (0, 1, None)

    def test_inbound_texts_are_listed_too(self, client: Client, supplier: PretendSupplier) -> None:
        supplier.write(PHONE, LINE, "Can I come later?")
        found = client.messages.list(from_=PHONE)
        assert [(text.body, text.direction, text.status) for text in found] == [
            ("Can I come later?", "inbound", "received")
        ]


class TestCallbacks:
    def test_sent_then_delivered_signed_without_the_fragment(self, practice: Practice) -> None:
        # Time enough between the two: on a busy machine the second report would overtake the first.
        with PretendSupplier({LINE: practice.url + "/in/"}, delivered_after=0.6) as supplier:
            self.sent_then_delivered(client_of(supplier), supplier, practice)

    def sent_then_delivered(self, client: Client, supplier: PretendSupplier, practice: Practice) -> None:
        url = practice.url + "/status/77/?box=a%2Fb"
        message = send(client, status_callback=url + "#rc=3&rp=all")
        supplier.settle()
        assert practice.statuses() == ["sent", "delivered"]
        validator = RequestValidator(supplier.auth_token)
        for path, params, headers in practice.taken:
            assert path == "/status/77/?box=a%2Fb"
            assert params["MessageSid"] == params["SmsSid"] == message.sid
            assert params["AccountSid"] == supplier.account_sid
            assert (params["To"], params["From"]) == (PHONE, LINE)
            signature = headers["X-Twilio-Signature"]
            assert validator.validate(url, params, signature)
            assert not validator.validate(url, {**params, "To": LINE}, signature)

    @pytest.mark.parametrize(
        ("kind", "code"),
        [("unreachable", 30003), ("unknown", 30005), ("landline-late", 30006), ("filtered", 30007)],
    )
    def test_undelivered_says_why(
        self, client: Client, supplier: PretendSupplier, practice: Practice, kind: str, code: int
    ) -> None:
        supplier.set_phone(PHONE, kind)
        message = send(client, status_callback=practice.url)
        supplier.settle()
        assert practice.statuses() == ["sent", "undelivered"]
        assert practice.taken[-1][1]["ErrorCode"] == str(code)
        assert client.messages(message.sid).fetch().error_code == code

    @pytest.mark.parametrize(("fragment", "tries"), [("#rc=3&rp=all", 4), ("#rc=2&rp=5xx", 3), ("", 1)])
    def test_retries_follow_the_wish_in_the_address(
        self, client: Client, supplier: PretendSupplier, practice: Practice, fragment: str, tries: int
    ) -> None:
        practice.answers = [(500, "text/plain", "")] * 8
        send(client, status_callback=practice.url + fragment)
        supplier.settle()
        assert [webhook["tries"] for webhook in supplier.webhooks()] == [["500"] * tries] * 2

    def test_a_closed_port_is_tried_again(self, client: Client, supplier: PretendSupplier) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        send(client, status_callback=f"http://127.0.0.1:{port}/#rc=2&rp=ct")
        supplier.settle()
        assert [len(webhook["tries"]) for webhook in supplier.webhooks()] == [3, 3]

    def test_nothing_leaves_this_machine(self, client: Client, supplier: PretendSupplier) -> None:
        send(client, status_callback="http://frontdesk.example/status/#rc=3&rp=all")
        supplier.settle()
        tries = [webhook["tries"] for webhook in supplier.webhooks()]
        assert tries == [["refused: the address is not on this machine"]] * 2

    def test_a_public_address_is_signed_as_such_and_served_here(self, practice: Practice) -> None:
        public = "https://desk.frontdesk.example"
        with PretendSupplier({LINE: public + "/in/"}, routes={public: practice.url}) as supplier:
            supplier.write(PHONE, LINE, "YES")
            supplier.settle()
            path, params, headers = practice.taken[0]
            assert (path, headers["Host"]) == ("/in/", "desk.frontdesk.example")
            validator = RequestValidator(supplier.auth_token)
            assert validator.validate(public + "/in/", params, headers["X-Twilio-Signature"])


class TestPhones:
    def test_a_text_becomes_a_signed_webhook_and_the_answer_a_text(
        self, supplier: PretendSupplier, practice: Practice
    ) -> None:
        two = "<Message>Thank you &amp; see you.</Message><Message><Body>Two</Body></Message>"
        practice.answers = [(200, "text/xml", f"<Response>{two}</Response>")]
        written = supplier.write(PHONE, LINE, "Sí, allí estaré 👍")
        supplier.settle()
        _, params, headers = practice.taken[0]
        assert (params["From"], params["To"], params["NumMedia"]) == (PHONE, LINE, "0")
        assert (params["Body"], params["MessageSid"]) == ("Sí, allí estaré 👍", written["sid"])
        assert "OptOutType" not in params
        validator = RequestValidator(supplier.auth_token)
        assert validator.validate(practice.url + "/in/", params, headers["X-Twilio-Signature"])
        texts = supplier.texts_to(PHONE)
        assert [text["body"] for text in texts] == ["Thank you & see you.", "Two"]
        assert {text["direction"] for text in texts} == {"outbound-reply"}
        assert supplier.ledger() == []

    @pytest.mark.parametrize(
        "answer",
        [
            (200, "text/xml", "<Response/>"),
            (204, "", ""),
            (200, "text/xml", "<!DOCTYPE x><Response><Message>no</Message></Response>"),
            (200, "text/html", "<html>oops"),
            (500, "text/plain", "broken"),
        ],
    )
    def test_other_answers_send_nothing(
        self, supplier: PretendSupplier, practice: Practice, answer: tuple[int, str, str]
    ) -> None:
        practice.answers = [answer]
        supplier.write(PHONE, LINE, "YES")
        supplier.settle()
        assert supplier.texts_to(PHONE) == []
        note = supplier.conversation(PHONE)[0]["note"]
        assert bool(note) == (answer[2] not in ("", "<Response/>"))

    def test_stop_blocks_one_line_and_start_lifts_it(
        self, client: Client, supplier: PretendSupplier, practice: Practice
    ) -> None:
        practice.answers = [(200, "text/xml", "<Response><Message>Sorry!</Message></Response>")]
        supplier.write(PHONE, LINE, " stop ")
        supplier.settle()
        assert practice.taken[0][1]["OptOutType"] == "STOP"
        assert len(supplier.texts_to(PHONE)) == 1, "the carrier confirms once, and holds back the practice"
        assert refusal(client).code == 21610
        assert client.messages.create(to=PHONE, from_=OTHER_LINE, body="Other practice").sid
        supplier.write(PHONE, LINE, "Start")
        supplier.settle()
        assert practice.taken[-1][1]["OptOutType"] == "START"
        assert send(client).sid

    def test_stop_needs_the_whole_text(self, client: Client, supplier: PretendSupplier) -> None:
        supplier.write(PHONE, LINE, "please stop")
        assert send(client).sid

    def test_yes_is_an_opt_in_only_after_a_stop(self, supplier: PretendSupplier, practice: Practice) -> None:
        for body in ("YES", "STOP", "YES", "help"):
            supplier.write(PHONE, LINE, body)
            supplier.settle()
        kinds = [params.get("OptOutType") for _, params, _ in practice.taken]
        assert kinds == [None, "STOP", "START", "HELP"]

    def test_without_its_own_replies_the_practice_answers_the_stop(self, practice: Practice) -> None:
        practice.answers = [(200, "text/xml", "<Response><Message>No more texts.</Message></Response>")]
        with PretendSupplier({LINE: practice.url}, opt_out_replies=False) as supplier:
            supplier.write(PHONE, LINE, "STOP")
            supplier.settle()
            assert [text["body"] for text in supplier.texts_to(PHONE)] == ["No more texts."]
            assert refusal(client_of(supplier)).code == 21610

    @pytest.mark.parametrize("at_once", [False, True])
    def test_a_webhook_can_be_replayed(
        self, supplier: PretendSupplier, practice: Practice, at_once: bool
    ) -> None:
        sid = supplier.write(PHONE, LINE, "YES")["sid"]
        supplier.settle()
        assert supplier.replay(sid, times=20, at_once=at_once) == [["204"]] * 20
        assert len(practice.taken) == 21
        signatures = {headers["X-Twilio-Signature"] for _, _, headers in practice.taken}
        assert len(signatures) == 1
        with pytest.raises(ControlError):
            supplier.replay("SM" + "0" * 32)


class TestFaults:
    @pytest.mark.parametrize(("kind", "status", "code"), [("429", 429, 20429), ("503", 503, 20503)])
    def test_refusals_before_anything_is_taken(
        self, client: Client, supplier: PretendSupplier, kind: str, status: int, code: int
    ) -> None:
        supplier.fault(kind, times=1)
        error = refusal(client)
        assert (error.status, error.code) == (status, code)
        assert supplier.ledger() == []
        assert send(client).sid

    def test_too_many_requests_says_when_to_come_back(
        self, client: Client, supplier: PretendSupplier
    ) -> None:
        supplier.fault("429", seconds=7)
        answer = requests.post(
            f"{supplier.base_url}/2010-04-01/Accounts/{client.account_sid}/Messages.json",
            data={"To": PHONE, "From": LINE, "Body": "Hello"},
            auth=(client.username, client.password),
            timeout=5,
        )
        assert answer.headers["Retry-After"] == "7"
        assert answer.json()["more_info"].endswith("/20429")

    def test_500_after_accepting(self, client: Client, supplier: PretendSupplier, practice: Practice) -> None:
        supplier.fault("500-after")
        error = refusal(client, status_callback=practice.url)
        supplier.settle()
        assert (error.status, error.code) == (500, 20500)
        assert [text["fault"] for text in supplier.ledger()] == ["500-after"]
        assert practice.statuses() == ["sent", "delivered"]
        assert len(client.messages.list(to=PHONE)) == 1

    @pytest.mark.parametrize(
        ("kind", "taken", "error"),
        [
            ("hang-after", 1, requests.exceptions.ReadTimeout),
            ("hang-before", 0, requests.exceptions.ReadTimeout),
            ("reset-after", 1, requests.exceptions.ConnectionError),
            ("reset-before", 0, requests.exceptions.ConnectionError),
        ],
    )
    def test_connections_that_end_badly(
        self, supplier: PretendSupplier, kind: str, taken: int, error: type[Exception]
    ) -> None:
        supplier.fault(kind, times=1, seconds=20)
        with pytest.raises(error):
            send(client_of(supplier, timeout=0.3))
        supplier.settle()
        assert len(supplier.ledger()) == taken
        assert len(supplier.texts_to(PHONE)) == taken

    def test_garbage_is_taken_but_cannot_be_read(self, client: Client, supplier: PretendSupplier) -> None:
        supplier.fault("garbage")
        with pytest.raises(json.JSONDecodeError):
            send(client)
        assert len(supplier.ledger()) == 1

    def test_slow_answers_late_and_well(self, client: Client, supplier: PretendSupplier) -> None:
        supplier.fault("slow", seconds=0.3)
        begun = time.monotonic()
        assert send(client).sid
        assert time.monotonic() - begun >= 0.3

    def test_a_fault_for_one_number_spares_the_others(
        self, client: Client, supplier: PretendSupplier
    ) -> None:
        supplier.fault("503", times=1, to=PHONE)
        assert send(client, to="+15035550177").sid
        assert refusal(client).status == 503

    def test_lists_can_fail_too(self, client: Client, supplier: PretendSupplier) -> None:
        supplier.fault("500", on="list")
        assert send(client).sid
        with pytest.raises(Exception, match="Unable to fetch page"):
            client.messages.list(to=PHONE)

    def test_shares_are_the_same_for_the_same_seed(self, client: Client, supplier: PretendSupplier) -> None:
        def run(seed: int) -> list[bool]:
            supplier.faults([{"kind": "429", "rate": 0.3}, {"kind": "500-after", "rate": 0.2}], seed)
            outcome = []
            for _ in range(25):
                try:
                    outcome.append(bool(send(client).sid))
                except TwilioRestException:
                    outcome.append(False)
            return outcome

        first, again, other = run(7), run(7), run(8)
        assert first == again
        assert first != other
        assert 0 < first.count(False) < 25
        happened = supplier.happened()
        assert set(happened) == {"429", "500-after"}
        supplier.clear_faults()
        assert send(client).sid

    @pytest.mark.parametrize("order", [{"kind": "nonsense"}, {"kind": "429", "rate": 2}, {"kind": 3}])
    def test_a_wrong_order_is_refused_in_words(
        self, supplier: PretendSupplier, order: dict[str, Any]
    ) -> None:
        with pytest.raises(ControlError, match="400"):
            supplier.faults([order])


class TestPages:
    def test_the_phone_shows_texts_with_links_and_takes_answers(
        self, client: Client, supplier: PretendSupplier, practice: Practice
    ) -> None:
        supplier.add_number(LINE, name="Harbor Street")
        send(client, body="Confirm: http://127.0.0.1:8000/v/abc. <b>")
        supplier.settle()
        page = requests.get(f"{supplier.base_url}/phones/{PHONE}", timeout=5)
        assert "Harbor Street" in page.text
        assert 'href="http://127.0.0.1:8000/v/abc" target="_blank"' in page.text
        assert "&lt;b&gt;" in page.text
        assert "delivered" in page.text
        answer = requests.post(
            f"{supplier.base_url}/phones/{PHONE}",
            data={"line": LINE, "quick": "👍", "body": "kept"},
            timeout=5,
        )
        assert answer.history[0].status_code == 303
        supplier.settle()
        assert practice.taken[-1][1]["Body"] == "👍"
        assert 'class="mine' in answer.text

    def test_the_list_finds_phones_and_opens_new_ones(
        self, client: Client, supplier: PretendSupplier
    ) -> None:
        send(client)
        send(client, to="+15035550177")
        home = requests.get(supplier.base_url, timeout=5).text
        assert home.index("555-0177") < home.index("555-0142")
        part = requests.get(supplier.base_url + "/phones?q=0142", timeout=5)
        assert "555-0142" in part.text
        assert "555-0177" not in part.text
        new = requests.get(supplier.base_url + "/phones?q=(503) 555-0155", timeout=5)
        assert urlsplit(new.url).path == "/phones/" + quote("+15035550155")

    def test_pages_answer_strict_headers_and_refuse_other_sites(self, supplier: PretendSupplier) -> None:
        page = requests.get(supplier.base_url, timeout=5)
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Referrer-Policy"] == "no-referrer"
        foreign = requests.post(
            f"{supplier.base_url}/phones/{PHONE}",
            data={"line": LINE, "body": "YES"},
            headers={"Sec-Fetch-Site": "cross-site"},
            timeout=5,
        )
        assert foreign.status_code == 403
        assert supplier.conversation(PHONE) == []

    def test_unknown_places_and_wrong_methods(self, supplier: PretendSupplier) -> None:
        assert requests.get(supplier.base_url + "/nowhere", timeout=5).status_code == 404
        assert requests.delete(supplier.base_url + "/mails", timeout=5).status_code == 405
        assert requests.get(supplier.base_url + "/phones/abc", timeout=5).status_code == 400
        assert requests.get(supplier.base_url + "/static/..%2fpages.py", timeout=5).status_code == 404


class TestMails:
    def test_a_mail_is_kept_and_shown_with_its_links(self, supplier: PretendSupplier) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"] = "Harbor Street <desk@harbor.example>", "pat@example.org"
        mail["Subject"] = "Übermorgen 9:00"
        mail.set_content("Please confirm: http://127.0.0.1:8000/v/abc\n")
        mail.add_alternative(
            '<p>Please <a href="http://127.0.0.1:8000/v/abc">confirm</a></p>', subtype="html"
        )
        with smtplib.SMTP(supplier.smtp_host, supplier.smtp_port, timeout=5) as server:
            server.send_message(mail)
        (kept,) = supplier.mails("pat@example.org")
        assert (kept["subject"], kept["recipients"]) == ("Übermorgen 9:00", ["pat@example.org"])
        assert supplier.mails("else@example.org") == []
        assert "Übermorgen" in requests.get(supplier.base_url + "/mails", timeout=5).text
        page = requests.get(f"{supplier.base_url}/mails/{kept['id']}", timeout=5).text
        assert 'href="http://127.0.0.1:8000/v/abc"' in page

    def test_a_mail_of_html_alone_keeps_words_and_links(self, supplier: PretendSupplier) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@a.example", "b@b.example", "Only HTML"
        mail.set_content(
            '<style>p{}</style><p>Hello &amp; <a href="http://x.example/1">go</a></p>', subtype="html"
        )
        with smtplib.SMTP(supplier.smtp_host, supplier.smtp_port, timeout=5) as server:
            server.send_message(mail)
        assert supplier.mails()[0]["text"] == "Hello & http://x.example/1 go"


class TestLimits:
    def test_a_large_body_is_refused(self, supplier: PretendSupplier) -> None:
        body = urlencode({"To": PHONE, "From": LINE, "Body": "x" * 80_000})
        connection = HTTPConnection("127.0.0.1", urlsplit(supplier.base_url).port or 0, timeout=5)
        connection.putrequest("POST", "/2010-04-01/Accounts/AC/Messages.json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()

    def test_the_ledger_keeps_the_newest(self, practice: Practice) -> None:
        with PretendSupplier({LINE: practice.url}, message_cap=3) as supplier:
            for number in range(5):
                send(client_of(supplier), body=str(number))
            assert [text["body"] for text in supplier.ledger()] == ["2", "3", "4"]

    def test_it_listens_on_this_machine_only(self, supplier: PretendSupplier) -> None:
        assert supplier._supplier.server.server_address[0] == "127.0.0.1"

    def test_letters_that_cannot_be_written_do_no_harm(
        self, supplier: PretendSupplier, practice: Practice
    ) -> None:
        supplier.write(PHONE, LINE, "half a pair: \ud83d")
        supplier.settle()
        assert practice.taken[0][1]["Body"] == "half a pair: ?"
        assert requests.get(f"{supplier.base_url}/phones/{PHONE}", timeout=5).status_code == 200

    @pytest.mark.parametrize("body", [b"[1", b"[]", b"\xff\xfe", b'"x"', b"[" * 60_000])
    def test_garbage_at_a_control_door_is_refused(self, supplier: PretendSupplier, body: bytes) -> None:
        answer = requests.post(f"{supplier.base_url}/pretend/phones/{PHONE}/texts", data=body, timeout=5)
        assert answer.status_code == 400

    def test_reset_forgets_all_but_the_lines(self, client: Client, supplier: PretendSupplier) -> None:
        supplier.write(PHONE, LINE, "STOP")
        supplier.fault("503", times=9)
        supplier.reset()
        assert supplier.ledger(everything=True) == []
        assert send(client).sid

    def test_fifty_threads_send_at_once(self, supplier: PretendSupplier) -> None:
        def one(number: int) -> None:
            send(client_of(supplier), to=f"+150355502{number:02}")

        threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({text["sid"] for text in supplier.ledger()}) == 50


class TestFile:
    def test_phones_survive_a_restart(self, practice: Practice, tmp_path: Path) -> None:
        file = tmp_path / "ledger.jsonl"
        with PretendSupplier({LINE: practice.url}, ledger=file) as supplier:
            send(client_of(supplier), body="Before")
            supplier.write(PHONE, LINE, "STOP")
            supplier.settle()
        assert file.stat().st_mode & 0o077 == 0
        with file.open("a") as tail:
            tail.write('{"event": "message", "data": {"si')
        with PretendSupplier({LINE: practice.url}, ledger=file) as supplier:
            assert [text["body"] for text in supplier.conversation(PHONE)][:2] == ["Before", "STOP"]
            assert refusal(client_of(supplier)).code == 21610

    def test_a_text_under_way_arrives_after_the_restart(self, practice: Practice, tmp_path: Path) -> None:
        file = tmp_path / "ledger.jsonl"
        with PretendSupplier({LINE: practice.url}, ledger=file, delay=30) as supplier:
            send(client_of(supplier), status_callback=practice.url)
        with PretendSupplier({LINE: practice.url}, ledger=file) as supplier:
            supplier.settle()
            assert supplier.ledger()[0]["status"] == "delivered"
        assert practice.statuses() == ["sent", "delivered"]


class TestProgram:
    @pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
    def test_it_runs_alone_and_ends_at_once(self, tmp_path: Path, ending: signal.Signals) -> None:
        config = tmp_path / "config.json"
        config.write_text(json.dumps({"numbers": [{"number": LINE, "name": "Harbor Street"}]}))
        program = subprocess.Popen(
            [sys.executable, "-m", "tools.pretend_supplier", "--port", "0", "--config", str(config)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert program.stdout is not None
        try:
            ready = program.stdout.readline()
            match = re.search(r"http://127\.0\.0\.1:\d+", ready)
            assert match, ready
            health = requests.get(match[0] + "/pretend/healthz", timeout=5).json()
            assert (health["status"], health["numbers"]) == ("ok", [LINE])
            begun = time.monotonic()
            program.send_signal(ending)
            assert program.wait(timeout=5) == 0
            assert time.monotonic() - begun < 3
        finally:
            program.kill()
            program.stdout.close()

    def test_it_says_what_it_cannot_read(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "tools.pretend_supplier", "--number", "abc=http://127.0.0.1/"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 2
        assert "is not a phone number" in done.stderr

    @pytest.mark.parametrize("text", ["{", "[]", '{"numbers": [{}]}', '{"phones": {"+1": {"kind": "x"}}}'])
    def test_a_wrong_config_is_told_without_a_traceback(self, tmp_path: Path, text: str) -> None:
        config = tmp_path / "config.json"
        config.write_text(text)
        with pytest.raises(SettingsError):
            read_config(config, Settings())

    def test_stopping_leaves_no_thread_even_while_a_request_hangs(self, practice: Practice) -> None:
        before = set(threading.enumerate())
        with PretendSupplier({LINE: practice.url}) as supplier:
            supplier.fault("hang-after", seconds=60)
            held = threading.Thread(target=lambda: suppressed(client_of(supplier, timeout=30)), daemon=True)
            held.start()
            supplier.wait_for(supplier.ledger)
            begun = time.monotonic()
        held.join(timeout=5)
        assert time.monotonic() - begun < 3
        left = [thread for thread in set(threading.enumerate()) - before if "pretend" in thread.name]
        assert left == []


def suppressed(client: Client) -> None:
    with pytest.raises(requests.exceptions.RequestException):
        send(client)
