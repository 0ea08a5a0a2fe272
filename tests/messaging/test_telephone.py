"""What people order of the telephone: each order once, in turn, told in words when it was not followed."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from messaging import calls, recordings, telephone, voice
from messaging.models import Call, CallCommand, Recording, Task
from practices.audit import Actor
from practices.models import AccessEvent, AuditEntry, Practice
from practices.tenancy import inside
from tests.factories import PASSWORD, a_member, a_user
from tests.messaging.conftest import PHONE
from tests.messaging.telephones import DANA, Desk, incoming, lines_of, open_lines, place
from tests.messaging.test_calls import now, ring, together
from tools.pretend_supplier.client import PretendSupplier

pytest_plugins = ["tests.messaging.telephones"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.messaging.urls")]

TAPE = "RE" + "0123456789abcdef" * 2
LATE = ["429", "503", "hang-after", "reset-after", "500-after", "garbage", "reset-before"]


@pytest.fixture(autouse=True)
def impatient(exchange: PretendSupplier, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TWILIO_TIMEOUT_SECONDS = 0.6
    monkeypatch.setattr(telephone, "PAUSE", dt.timedelta(seconds=0.1))


@pytest.mark.parametrize("kind", LATE)
def test_the_desk_phone_rings_once_whatever_the_answer_to_it_was(
    practice: Practice, patient: Any, exchange: PretendSupplier, desk: Desk, kind: str
) -> None:
    call, sid = incoming(practice, exchange)
    exchange.fault(kind, on="call", seconds=1.0)
    desk(calls.answer_call, call)
    desk.when(call, lambda row: row.staff_leg_id)
    exchange.wait_for(lambda: place(exchange, sid) == "in conference")
    assert len(lines_of(exchange, DANA)) == 1
    row = now(practice, call)
    assert (row.status, row.problem) == ("live", "")
    with inside(practice):
        assert CallCommand.objects.get().status == "done"


@pytest.mark.parametrize("kind", ["500-after", "hang-after", "garbage", "429"])
def test_a_hold_whose_answer_was_lost_is_asked_again(practice, patient, exchange, desk, kind):
    call, sid = incoming(practice, exchange)
    desk(calls.answer_call, call)
    desk.when(call, lambda row: row.staff_leg_id)
    exchange.wait_for(lambda: place(exchange, sid) == "in conference")
    exchange.fault(kind, on="command", seconds=1.0)
    desk(calls.hold_call, call)
    assert place(exchange, sid) == "on hold"
    assert now(practice, call).problem == ""


def test_a_telephone_that_does_not_follow_says_so(practice, patient, exchange, desk):
    call, sid = incoming(practice, exchange)
    desk(calls.answer_call, call)
    desk.when(call, lambda row: row.staff_leg_id)
    exchange.wait_for(lambda: place(exchange, sid) == "in conference")
    exchange.fault("500", on="command", times=20)
    desk(calls.hold_call, call)
    assert now(practice, call).problem == (
        "The caller was not put on hold: the telephone service does not answer."
    )
    desk(calls.resume_call, call)
    row = now(practice, call)
    assert row.problem == "The caller is still on hold: the telephone service does not answer."
    assert row.status == "held"  # so that Resume can be pressed again
    with inside(practice):
        assert set(CallCommand.objects.exclude(verb="answer").values_list("status", flat=True)) == {"failed"}
    exchange.clear_faults()
    desk(calls.resume_call, call)
    assert (now(practice, call).status, now(practice, call).problem) == ("live", "")


def test_a_supplier_that_is_away_lets_the_call_ring_again(practice, patient, exchange, desk, settings):
    call, _ = incoming(practice, exchange)
    settings.TWILIO_BASE_URL = "http://127.0.0.1:1"
    desk(calls.answer_call, call)
    row = now(practice, call)
    assert (row.status, row.handler) == ("ringing", None)
    assert row.problem.startswith("You were not connected: the telephone service cannot be reached")


def test_a_desk_phone_that_does_not_exist_is_told(practice, patient, exchange, desk):
    exchange.set_phone(DANA, kind="invalid")
    call, _ = incoming(practice, exchange)
    desk(calls.answer_call, call)
    row = now(practice, call)
    assert (row.status, row.problem) == ("ringing", "You were not connected: there is no such number.")


def test_two_workers_ring_the_desk_phone_once(practice, patient, exchange, desk, dana):
    for turn in range(3):
        call, _ = incoming(practice, exchange, f"+1503555017{turn}")
        with inside(practice):
            calls.answer_call(call=call, by=dana)
        together([lambda: telephone.carry_out_all(practice)] * 4)
        desk.when(call, lambda row: row.staff_leg_id)
        desk(calls.end_call, call)
        exchange.wait_for(lambda: not open_lines(exchange, DANA))
        assert len(lines_of(exchange, DANA)) == turn + 1


def test_orders_of_a_call_are_taken_one_after_the_other(practice, patient, dana: Actor):
    first, second = ring(practice, "CA1"), ring(practice, "CA2", "+15035550177")
    with inside(practice):
        calls.answer_call(call=first, by=dana)
        calls.answer_call(call=second, by=dana)  # answer 1, hold 1, answer 2
        taken = telephone.claim(10)
        assert [(job.verb, job.call_id) for job in taken] == [("answer", first.pk), ("answer", second.pk)]
        assert telephone.claim(10) == []
        telephone.store(taken[0], telephone.Result(telephone.TAKEN, "CAleg"))
        assert [job.verb for job in telephone.claim(10)] == ["hold"]


def test_a_worker_that_died_after_ringing_is_not_repeated(practice, patient, exchange, desk, dana):
    call, sid = incoming(practice, exchange)
    with inside(practice):
        calls.answer_call(call=call, by=dana)
        (job,) = telephone.claim(10)
    telephone.carry_out(practice, telephone.sms.Account(exchange.account_sid, exchange.auth_token), job)
    # … and dies here: nothing is stored. Its lease ends.
    desk.when(call, lambda row: row.staff_leg_id)
    telephone.carry_out_all(practice)
    with inside(practice):
        assert CallCommand.objects.get().status == "sending"
        CallCommand.objects.update(claimed_until=timezone.now())
    telephone.carry_out_all(practice)
    exchange.wait_for(lambda: place(exchange, sid) == "in conference")
    assert len(lines_of(exchange, DANA)) == 1
    with inside(practice):
        assert CallCommand.objects.get().status == "done"


def test_without_the_look_at_the_list_a_repeated_order_would_ring_twice(
    practice, patient, exchange, desk, dana, monkeypatch
):
    """The control."""
    exchange.set_phone(DANA, answers="ask")  # nobody picks up, so only the list could tell
    monkeypatch.setattr(voice, "calls_to", lambda *_, **__: [])
    call, _ = incoming(practice, exchange)
    with inside(practice):
        calls.answer_call(call=call, by=dana)
        (job,) = telephone.claim(10)
    telephone.carry_out(practice, telephone.sms.Account(exchange.account_sid, exchange.auth_token), job)
    with inside(practice):
        CallCommand.objects.update(claimed_until=timezone.now())
    telephone.carry_out_all(practice)
    assert len(lines_of(exchange, DANA)) == 2


def test_an_order_of_a_call_that_is_over_asks_nobody(practice, patient, exchange, desk, dana):
    call, sid = incoming(practice, exchange)
    with inside(practice):
        calls.answer_call(call=call, by=dana)
        calls.hold_call(call=call, by=dana)
        calls.end_call(call=call, by=dana)
    telephone.carry_out_all(practice)
    exchange.wait_for(lambda: exchange.the_call(sid)["status"] == "completed")
    assert lines_of(exchange, DANA) == []
    with inside(practice):
        assert set(CallCommand.objects.values_list("status", flat=True)) == {"done"}


# Recordings.


def a_voicemail(practice: Practice, tape: str = TAPE) -> Recording:
    call = ring(practice)
    with inside(practice):
        stored = recordings.announced(call, tape, 7)
    assert stored is not None
    return stored


def again_now(practice: Practice) -> None:
    with inside(practice):
        Recording.objects.filter(state="announced").update(next_try_at=timezone.now())


def test_a_recording_that_cannot_be_had_goes_to_a_person(practice, patient, exchange):
    row = a_voicemail(practice)
    for _ in range(3):
        assert recordings.fetch_due(practice) == 1
        again_now(practice)
    with inside(practice):
        assert Recording.objects.get(pk=row.pk).state == "failed"
        task = Task.objects.open().get()
        assert (task.kind, task.urgency, task.note) == (
            "voicemail", Task.Urgency.SOON, "The recording could not be fetched. Call back to ask.",
        )  # fmt: skip
    assert recordings.fetch_due(practice) == 0


def test_a_supplier_that_fails_is_asked_later(practice, patient, exchange, desk):
    leave_words(practice, exchange)
    exchange.fault("503", on="media", times=1)
    assert recordings.fetch_due(practice) == 1
    with inside(practice):
        row = Recording.objects.get()
        assert (row.state, row.attempts) == ("announced", 1)
        assert row.next_try_at is not None
        assert row.next_try_at > timezone.now()
    again_now(practice)
    recordings.fetch_due(practice)
    with inside(practice):
        assert Recording.objects.get().state == "stored"


def leave_words(practice: Practice, exchange: PretendSupplier) -> tuple[Call, str]:
    from messaging.models import DeskRules

    with inside(practice):
        DeskRules.objects.create(practice=practice, ring_seconds=1)
    call, sid = incoming(practice, exchange)
    exchange.wait_for(lambda: place(exchange, sid) == "recorded after the tone")
    exchange.say(sid, "Please call me about Friday")
    exchange.hang_up(sid)
    exchange.wait_for(lambda: now(practice, call).outcome == "voicemail")
    exchange.settle()
    return call, sid


def test_what_was_not_deleted_there_is_deleted_with_the_next_look(practice, patient, exchange, monkeypatch):
    leave_words(practice, exchange)
    with monkeypatch.context() as patched:
        patched.setattr(voice, "delete_recording", lambda *_: False)
        recordings.fetch_due(practice)
    assert exchange.recordings()["deleted"] == []
    with inside(practice):
        Recording.objects.update(next_try_at=timezone.now())
    recordings.fetch_due(practice)
    assert len(exchange.recordings()["deleted"]) == 1
    with inside(practice):
        assert Recording.objects.get().next_try_at is None


def test_only_the_supplier_s_own_host_is_asked_and_no_redirect_followed(practice, settings):
    """A host that redirects elsewhere gets nothing further, and the other host hears nothing."""
    import http.server
    import threading

    heard: list[tuple[str, str]] = []

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, self.headers.get("Authorization", "")))
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/steal")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.TWILIO_BASE_URL = f"http://127.0.0.1:{server.server_port}"
        account = telephone.sms.Account("AC" + "0" * 32, "token")
        with pytest.raises(telephone.sms.NotFetched, match="302"):
            voice.fetch_recording(account, TAPE)
        for nonsense in ("../../x", "RE" + "0" * 31 + "/", "http://evil.example/RE", ""):
            with pytest.raises(telephone.sms.NotFetched, match="no recording"):
                voice.fetch_recording(account, nonsense)
        server.shutdown()
    assert [path for path, _ in heard] == [f"/2010-04-01/Accounts/AC{'0' * 32}/Recordings/{TAPE}.mp3"]


def test_who_may_hear_hears_and_it_is_written_down(practice, patient, client):
    row = a_voicemail(practice)
    member = a_member(practice, a_user("eva@x.example"))
    url = f"/p/{practice.slug}/recordings/{row.pk}/"
    assert client.get(url).status_code == 302
    client.login(username=member.user.email, password=PASSWORD)
    assert client.get(url).status_code == 404  # not fetched yet
    with inside(practice):
        stored = Recording.objects.get(pk=row.pk)
        stored.audio, stored.state = b"ID3 sound", "stored"
        stored.save()
    answer = client.get(url)
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"ID3 sound", "audio/mpeg")
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["X-Content-Type-Options"] == "nosniff"
    with inside(practice):
        assert AuditEntry.objects.filter(verb="recording.heard", patient_id=patient.pk).count() == 1
        assert AccessEvent.objects.filter(screen="recording", patient_ids=[patient.pk]).count() == 1
    stranger = a_user("stranger@y.example")
    client.login(username=stranger.email, password=PASSWORD)
    assert client.get(url).status_code == 404
    assert PHONE not in str(answer.headers)


def test_the_sound_lies_sealed_in_the_database(practice, patient):
    from django.db import connection

    row = a_voicemail(practice)
    with inside(practice):
        stored = Recording.objects.get(pk=row.pk)
        stored.audio, stored.transcript, stored.state = b"audible sound", "readable words", "stored"
        stored.save()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT encode(audio, 'escape'), encode(transcript, 'escape') FROM messaging_recording"
            )
            sealed = "".join(cursor.fetchone())
    assert "audible" not in sealed
    assert "YXVkaWJsZ" not in sealed  # the same in base64
    assert "readable" not in sealed
