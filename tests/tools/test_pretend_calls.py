"""Calls of the pretend supplier, driven by the official client, with documents of the test's own."""

from __future__ import annotations

import io
import socketserver
import threading
import wave
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.tools.test_pretend_supplier import LINE, PHONE, client_of
from tools.pretend_supplier.client import ControlError, PretendSupplier

DESK = "+15035550190"
OTHER_DESK = "+15035550191"
Params = dict[str, str]


class Switch:
    """A practice's system whose documents stand under paths; everything it is told is kept and checked."""

    def __init__(self, token: str) -> None:
        self.documents: dict[str, str | Callable[[Params], str]] = {}
        self.taken: list[tuple[str, Params]] = []
        validator, switch = RequestValidator(token), self

        class Taker(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                params = dict(parse_qsl(body, keep_blank_values=True))
                signature = self.headers.get("X-Twilio-Signature", "")
                assert validator.validate(switch.url + self.path, params, signature)
                switch.taken.append((self.path, params))
                found = switch.documents.get(self.path, "")
                text = (found(params) if callable(found) else found).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args: Any) -> None:
                pass

        socketserver.TCPServer.request_queue_size = 64
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def told(self, path: str) -> list[Params]:
        return [params for at, params in list(self.taken) if at == path]


@pytest.fixture
def supplier() -> Iterator[PretendSupplier]:
    with PretendSupplier({LINE: ""}) as supplier:
        yield supplier


@pytest.fixture
def practice(supplier: PretendSupplier) -> Iterator[Switch]:
    switch = Switch(supplier.auth_token)
    supplier.add_number(LINE, voice_url=f"{switch.url}/in", voice_status_url=f"{switch.url}/over")
    yield switch
    switch.server.shutdown()
    switch.server.server_close()


@pytest.fixture
def client(supplier: PretendSupplier) -> Client:
    return client_of(supplier)


def response(inner: str) -> str:
    return f"<Response>{inner}</Response>"


def until(supplier: PretendSupplier, sid: str, status: str) -> Any:
    def look() -> Any:
        call = supplier.the_call(sid)
        return call if call["status"] == status else None

    return supplier.wait_for(look)


def statuses(practice: Switch, path: str) -> list[str]:
    return [params["CallStatus"] for params in practice.told(path)]


def place(client: Client, practice: Switch, **more: Any) -> Any:
    return client.calls.create(
        to=PHONE, from_=LINE, url=f"{practice.url}/doc",
        status_callback=f"{practice.url}/status",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
        **more,
    )  # fmt: skip


class TestOutgoing:
    def test_a_person_answers_hears_and_presses(
        self, client: Client, supplier: PretendSupplier, practice: Switch
    ) -> None:
        practice.documents["/doc"] = response(
            '<Gather action="/key" numDigits="1" timeout="200"><Say>Press 1 to confirm.</Say></Gather>'
        )
        practice.documents["/key"] = response("<Say>Thank you.</Say>")
        call = place(client, practice)
        assert (call.status, call.direction, call.to) == ("queued", "outbound-api", PHONE)
        until(supplier, call.sid, "ringing")
        supplier.answer(call.sid)
        supplier.wait_for(lambda: supplier.the_call(call.sid)["heard"])
        supplier.press(call.sid, "1")
        done = until(supplier, call.sid, "completed")
        assert done["heard"] == ["Press 1 to confirm.", "Thank you."]
        assert practice.told("/key")[0]["Digits"] == "1"
        supplier.wait_for(lambda: len(practice.told("/status")) == 4)
        assert statuses(practice, "/status") == ["initiated", "ringing", "in-progress", "completed"]
        assert [params["SequenceNumber"] for params in practice.told("/status")] == ["0", "1", "2", "3"]
        assert int(practice.told("/status")[3]["CallDuration"]) >= 1
        assert client.calls(call.sid).fetch().status == "completed"

    @pytest.mark.parametrize(
        ("answers", "kind", "status"),
        [
            ("busy", "mobile", "busy"),
            ("no-answer", "mobile", "no-answer"),
            ("ask", "unreachable", "no-answer"),
            ("ask", "unknown", "failed"),
        ],
    )
    def test_what_is_not_answered_says_why(
        self,
        answers: str,
        kind: str,
        status: str,
        client: Client,
        supplier: PretendSupplier,
        practice: Switch,
    ) -> None:
        supplier.set_phone(PHONE, kind, answers=answers)
        call = place(client, practice, timeout=5)
        until(supplier, call.sid, status)
        supplier.wait_for(lambda: statuses(practice, "/status")[-1:] == [status])
        assert practice.told("/doc") == []

    def test_a_voicemail_box_is_told_apart_and_presses_nothing(
        self, client: Client, supplier: PretendSupplier, practice: Switch
    ) -> None:
        supplier.set_phone(PHONE, answers="machine", presses="1")
        practice.documents["/doc"] = lambda params: response(
            f"<Say>{params['AnsweredBy']}</Say><Gather action='/key' timeout='1'/><Say>Goodbye.</Say>"
        )
        call = place(client, practice, machine_detection="DetectMessageEnd")
        done = until(supplier, call.sid, "completed")
        assert done["heard"] == ["machine_end_beep", "Goodbye."]
        assert practice.told("/key") == []

    def test_a_call_can_be_cancelled_before_and_ended_after_it_is_answered(
        self, client: Client, supplier: PretendSupplier, practice: Switch
    ) -> None:
        practice.documents["/doc"] = response("<Pause length='4000'/>")
        first = place(client, practice)
        until(supplier, first.sid, "ringing")
        assert client.calls(first.sid).update(status="canceled").status == "canceled"
        second = place(client, practice)
        until(supplier, second.sid, "ringing")
        supplier.answer(second.sid)
        until(supplier, second.sid, "in-progress")
        assert client.calls(second.sid).update(status="completed").status == "completed"
        with pytest.raises(TwilioRestException) as refused:
            client.calls(second.sid).update(twiml=response("<Hangup/>"))
        assert refused.value.code == 21220

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"to": "12"}, 21211),
            ({"from_": "+15035550199"}, 21212),
            ({"url": "not an address"}, 21205),
            ({"url": None}, 21205),
        ],
    )
    def test_a_wrong_order_is_refused(
        self, fields: dict[str, Any], code: int, client: Client, practice: Switch
    ) -> None:
        with pytest.raises(TwilioRestException) as refused:
            client.calls.create(**{"to": PHONE, "from_": LINE, "url": f"{practice.url}/doc", **fields})
        assert (refused.value.code, refused.value.status) == (code, 400)

    def test_calls_are_listed_by_number(
        self, client: Client, supplier: PretendSupplier, practice: Switch
    ) -> None:
        mine = [place(client, practice).sid for _ in range(3)]
        client.calls.create(to=DESK, from_=LINE, url=f"{practice.url}/doc")
        assert [call.sid for call in client.calls.list(to=PHONE, from_=LINE, page_size=2)] == mine[::-1]
        assert len(client.calls.list()) == 4

    def test_ordered_faults_tell_whether_the_call_was_placed(
        self, client: Client, supplier: PretendSupplier, practice: Switch
    ) -> None:
        for kind, placed in (("429", 0), ("500", 0), ("500-after", 1), ("garbage", 2)):
            supplier.fault(kind, on="call")
            with pytest.raises(Exception):  # noqa: B017, PT011 - of the client, whichever it finds fit
                place(client, practice)
            assert len(supplier.calls()) == placed, kind


class TestIncoming:
    def test_a_caller_waits_is_put_through_held_and_taken_back(
        self, client: Client, supplier: PretendSupplier, practice: Switch
    ) -> None:
        conference = (
            f'<Dial action="/after"><Conference statusCallback="{practice.url}/room" '
            'statusCallbackEvent="start end join leave hold" endConferenceOnExit="true">fd-1'
            "</Conference></Dial>"
        )
        practice.documents |= {
            "/in": response('<Say>Hello.</Say><Enqueue waitUrl="/wait" action="/left">desk</Enqueue>'),
            "/wait": response("<Play>music</Play>"),
            "/answered": response(conference),
        }
        supplier.set_phone(DESK, answers="desk")
        caller = supplier.ring_up(PHONE, LINE)["sid"]
        supplier.wait_for(lambda: practice.told("/wait"))
        assert practice.told("/in")[0]["CallStatus"] == "ringing"
        assert practice.told("/wait")[0]["QueuePosition"] == "1"
        client.calls(caller).update(url=f"{practice.url}/answered")
        person = client.conferences("fd-1").participants.create(
            to=DESK, from_=LINE, end_conference_on_exit=False, label="dana"
        )
        supplier.wait_for(lambda: "conference-start" in events(practice))
        assert practice.told("/left")[0]["QueueResult"] == "redirected"
        (room,) = client.conferences.list(friendly_name="fd-1", status="in-progress")
        assert {one.call_sid for one in room_people(client, room.sid)} == {caller, person.call_sid}
        held = client.conferences(room.sid).participants(caller).update(hold=True)
        assert held.hold
        client.conferences(room.sid).participants(caller).update(hold=False)
        client.conferences(room.sid).participants("dana").delete()
        supplier.wait_for(lambda: supplier.the_call(person.call_sid)["status"] == "completed")
        supplier.hang_up(caller)
        supplier.wait_for(lambda: "conference-end" in events(practice))
        assert events(practice) == [
            "participant-join",
            "participant-join",
            "conference-start",
            "participant-hold",
            "participant-unhold",
            "participant-leave",
            "participant-leave",
            "conference-end",
        ]
        supplier.wait_for(lambda: statuses(practice, "/over") == ["completed"])

    def test_a_voicemail_is_recorded_fetched_and_deleted(
        self, client: Client, supplier: PretendSupplier, practice: Switch
    ) -> None:
        practice.documents["/in"] = response(
            '<Record maxLength="60" action="/done" recordingStatusCallback="/tape" '
            'transcribeCallback="/words"/>'
        )
        caller = supplier.ring_up(PHONE, LINE)["sid"]
        until(supplier, caller, "in-progress")
        supplier.say(caller, "This is Maria, please call me back.")
        supplier.wait_for(lambda: practice.told("/words"))
        words, tape = practice.told("/words")[0], practice.told("/tape")[0]
        assert words["TranscriptionText"] == "This is Maria, please call me back."
        assert tape["RecordingStatus"] == "completed"
        assert practice.told("/done")[0]["RecordingSid"] == tape["RecordingSid"]
        signed_in = (supplier.account_sid, supplier.auth_token)
        assert requests.get(tape["RecordingUrl"] + ".mp3", timeout=5).status_code == 401
        sound = requests.get(tape["RecordingUrl"] + ".mp3", auth=signed_in, timeout=5)
        assert (sound.headers["Content-Type"], sound.content[:2]) == ("audio/mpeg", b"\xff\xfb")
        with wave.open(
            io.BytesIO(requests.get(tape["RecordingUrl"] + ".wav", auth=signed_in, timeout=5).content)
        ) as wav:
            assert wav.getnframes() == int(tape["RecordingDuration"]) * wav.getframerate()
        recording = client.recordings(tape["RecordingSid"]).fetch()
        assert (recording.call_sid, recording.duration) == (caller, tape["RecordingDuration"])
        assert client.recordings(tape["RecordingSid"]).delete()
        assert supplier.recordings() == {"kept": [], "deleted": [tape["RecordingSid"]]}

    def test_a_caller_who_says_nothing_and_rings_off_leaves_no_recording(
        self, supplier: PretendSupplier, practice: Switch
    ) -> None:
        practice.documents["/in"] = response('<Record recordingStatusCallback="/tape"/>')
        caller = supplier.ring_up(PHONE, LINE)["sid"]
        until(supplier, caller, "in-progress")
        supplier.hang_up(caller)
        supplier.wait_for(lambda: statuses(practice, "/over") == ["completed"])
        assert practice.told("/tape") == []

    def test_one_who_waits_can_leave_the_queue_by_the_document(
        self, supplier: PretendSupplier, practice: Switch
    ) -> None:
        practice.documents |= {
            "/in": response('<Enqueue waitUrl="/wait" action="/left">desk</Enqueue>'),
            "/wait": response("<Leave/>"),
            "/left": response("<Say>Nobody is there.</Say><Hangup/>"),
        }
        caller = supplier.ring_up(PHONE, LINE)["sid"]
        assert until(supplier, caller, "completed")["heard"] == ["Nobody is there."]
        assert practice.told("/left")[0]["QueueResult"] == "leave"

    def test_a_number_is_dialled_and_both_hang_up_together(
        self, supplier: PretendSupplier, practice: Switch
    ) -> None:
        practice.documents |= {
            "/in": response(f'<Dial action="/after"><Number>{DESK}</Number></Dial>'),
            "/after": response("<Say>Goodbye.</Say>"),
        }
        supplier.set_phone(DESK, answers="desk")
        caller = supplier.ring_up(PHONE, LINE)["sid"]
        (leg,) = supplier.wait_for(lambda: supplier.calls(DESK))
        until(supplier, leg["sid"], "in-progress")
        supplier.hang_up(leg["sid"])
        until(supplier, caller, "completed")
        assert practice.told("/after")[0]["DialCallStatus"] == "completed"
        assert leg["parent"] == caller

    def test_presses_of_its_own_answer_what_is_asked(
        self, supplier: PretendSupplier, practice: Switch
    ) -> None:
        practice.documents |= {
            "/in": response('<Gather action="/key" numDigits="1"/>'),
            "/key": lambda params: response(f"<Say>{params['Digits']}</Say>"),
        }
        caller = supplier.ring_up(PHONE, LINE, presses="9")["sid"]
        assert until(supplier, caller, "completed")["heard"] == ["9"]

    @pytest.mark.parametrize("document", ["", "not XML", "<Response><Nonsense/></Response>", "<Else/>"])
    def test_a_document_that_cannot_be_followed_ends_the_call_with_a_note(
        self, document: str, supplier: PretendSupplier, practice: Switch
    ) -> None:
        practice.documents["/in"] = document
        caller = supplier.ring_up(PHONE, LINE)["sid"]
        supplier.wait_for(lambda: supplier.the_call(caller)["ended"])
        note = supplier.the_call(caller)["note"]
        assert bool(note) == bool(document)

    def test_a_line_without_telephone_says_so(self, supplier: PretendSupplier) -> None:
        call = supplier.ring_up(PHONE, LINE)
        assert (call["status"], call["note"]) == ("failed", "Nobody answers calls on this number.")

    def test_what_is_over_takes_no_more_orders(self, supplier: PretendSupplier) -> None:
        call = supplier.ring_up(PHONE, LINE)
        with pytest.raises(ControlError, match="over"):
            supplier.press(call["sid"], "1")


def events(practice: Switch) -> list[str]:
    return [params["StatusCallbackEvent"] for params in practice.told("/room")]


def room_people(client: Client, sid: str) -> list[Any]:
    return client.conferences(sid).participants.list()
