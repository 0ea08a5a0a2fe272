"""One message to many: who gets it and why not, two steps to send, stop, and no one twice."""

import datetime as dt
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging import broadcast_page, broadcasts, delivery
from messaging.broadcast_forms import words_against
from messaging.models import Broadcast, BroadcastRecipient, Message, Suppression
from messaging.outbox import address_index
from patients.models import ContactPoint, Patient
from practices.models import AccessEvent, Role
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.factories import a_member, a_patient, a_practitioner, a_type, a_user, an_actor
from tests.messaging.conftest import a_texting_patient, agree

pytestmark = pytest.mark.django_db(transaction=True)

PAGE_QUERIES = 13  # the gate, the broadcast, its rows, what each got lately, the phones, who was shown


@pytest.fixture
def desk(practice: Any) -> SimpleNamespace:
    dana = a_member(practice)
    osei, lim = a_practitioner(practice), a_practitioner(practice, "Dr. Lim")
    kind = a_type(practice, practitioners=[osei, lim])
    client = Client()
    client.force_login(dana.user)
    base = f"/p/{practice.slug}/broadcasts/"
    return SimpleNamespace(
        practice=practice, dana=dana, osei=osei, lim=lim, kind=kind, client=client, base=base
    )


def a_visit(desk: SimpleNamespace, patient: Patient, ahead: float = 1, **fields: Any) -> Appointment:
    """A booked visit some hours from now, on whatever day that is."""
    starts = timezone.now() + dt.timedelta(hours=ahead)
    local = starts.astimezone(desk.practice.zone)
    values = {"practitioner": desk.osei, "appointment_type": desk.kind, "starts_at": starts}
    values |= {"ends_at": starts + dt.timedelta(minutes=30), "time_zone": str(local.tzinfo)}
    values |= {"overbook_reason": "many", "local_date": local.date(), "local_time": local.time()}
    with inside(desk.practice):
        return Appointment.objects.create(practice=desk.practice, patient=patient, **(values | fields))


def people(desk: SimpleNamespace, count: int = 3) -> list[Patient]:
    found = [a_texting_patient(desk.practice, f"+1503555{4000 + n}", given=f"P{n}") for n in range(count)]
    for number, patient in enumerate(found):
        a_visit(desk, patient, 0.1 + number / 100)
    return found


def drafted(desk: SimpleNamespace, **fields: Any) -> Broadcast:
    values = {"audience": "rest-of-day", "args": {"option": str(desk.osei.pk)}, "body_en": "We are late."}
    with inside(desk.practice):
        return broadcasts.draft(**(values | fields), by=an_actor(desk.dana))


def sent(desk: SimpleNamespace, broadcast: Broadcast) -> None:
    with inside(desk.practice):
        broadcasts.start(broadcast=broadcast, by=an_actor(desk.dana))
    broadcasts.send_all(desk.practice)


def recipients(desk: SimpleNamespace) -> list[BroadcastRecipient]:
    with inside(desk.practice):
        rows = BroadcastRecipient.objects.select_related("patient", "message")
        return list(rows.order_by("pk"))


@pytest.fixture
def noon(practice: Any) -> Any:
    """It is about noon where the practice is, so that “today” has a rest."""
    import time_machine

    local = dt.datetime.combine(timezone.now().astimezone(practice.zone).date(), dt.time(12), practice.zone)
    with time_machine.travel(local, tick=True):
        yield


def test_each_recipient_has_channel_language_and_why_not(desk, noon):
    (texted,) = people(desk, 1)
    silent = a_texting_patient(desk.practice, "+15035550301", given="Silent")
    mailed = a_patient(desk.practice, given="Mailed", language="es", preferred_channel="email")
    nobody = a_patient(desk.practice, given="Nobody", phone="+15035550302")
    with inside(desk.practice):
        ContactPoint.objects.create(
            practice=desk.practice, patient=mailed, system="email", value="m@example.org"
        )
        index = address_index("sms", "+15035550301")
        Suppression.objects.create(practice=desk.practice, channel="sms", address_index=index, source="text")
    agree(desk.practice, mailed, "email")
    for patient in (silent, mailed, nobody):
        a_visit(desk, patient, 2)
    broadcast = drafted(desk, body_es="Vamos tarde.")
    found = {
        row.patient.given: (row.channel, row.language, row.why_not, row.segments) for row in recipients(desk)
    }
    assert found == {
        texted.given: ("sms", "en", "", 1),
        "Silent": ("", "en", "opted_out", 0),
        "Mailed": ("email", "es", "", 0),
        "Nobody": ("", "en", "no consent to texts or e-mail", 0),
    }
    with inside(desk.practice):
        assert not Message.objects.exists()
        rows = broadcast_page.rows_of(broadcast)
        tally = broadcasts.tally(rows)
        assert (tally.everybody, tally.waiting, tally.left_out, tally.segments) == (4, 2, 2, 1)
        to_call = {line.name for line in broadcast_page.lines(broadcast, rows, desk.dana.user) if line.call}
    assert to_call == {"Silent Vega", "Nobody Vega"}


def test_the_audiences_are_those_of_the_diary(desk, noon):
    people(desk, 2)
    gone = a_texting_patient(desk.practice, "+15035550303", given="Gone")
    a_visit(desk, gone, -1)
    other = a_texting_patient(desk.practice, "+15035550304", given="Other")
    a_visit(desk, other, 1, practitioner=desk.lim)
    sure = a_texting_patient(desk.practice, "+15035550305", given="Sure")
    a_visit(desk, sure, 24, confirmation="confirmed")
    unsure = a_texting_patient(desk.practice, "+15035550306", given="Unsure")
    a_visit(desk, unsure, 24.5)
    a_visit(desk, unsure, 25.5)
    off = a_texting_patient(desk.practice, "+15035550307", given="Off")
    a_visit(desk, off, 24.2, status="cancelled")

    def names(**fields: Any) -> list[str]:
        broadcast = drafted(desk, **fields)
        with inside(desk.practice):
            return sorted(row.patient.given for row in broadcast.recipients.select_related("patient"))

    assert names() == ["P0", "P1"]
    assert names(args={"option": str(desk.lim.pk)}) == ["Other"]
    assert names(audience="unconfirmed-tomorrow", args={}) == ["Unsure"]
    assert names(audience="day", args={"option": "tomorrow"}) == ["Sure", "Unsure"]
    assert names(audience="day", args={"option": "today"}) == ["Other", "P0", "P1"]
    for wrong in ({"option": "nonsense"}, {}):
        with pytest.raises(broadcasts.BroadcastRefused):
            drafted(desk, args=wrong)
    with pytest.raises(broadcasts.BroadcastRefused):
        drafted(desk, audience="everybody")


def test_sending_reaches_each_once_and_begins_with_the_practice(desk, noon, supplier):
    people(desk, 3)
    broadcast = drafted(desk)
    sent(desk, broadcast)
    sent(desk, broadcast)
    delivery.deliver_all(desk.practice)
    assert sorted(text["to"] for text in supplier.ledger()) == [f"+1503555{4000 + n}" for n in range(3)]
    assert {text["body"] for text in supplier.ledger()} == {"Harbor Street: We are late."}
    with inside(desk.practice):
        assert Broadcast.objects.get().status == "done"


def test_who_changed_meanwhile_is_left_out_with_the_reason(desk, noon):
    stays, cancels, stops = people(desk, 3)
    broadcast = drafted(desk)
    with inside(desk.practice):
        Appointment.objects.filter(patient=cancels).update(status="cancelled")
    agree(desk.practice, stops, granted=False)
    sent(desk, broadcast)
    rows = {row.patient_id: row for row in recipients(desk)}
    assert rows[stays.pk].why_not == ""
    assert (rows[cancels.pk].why_not, rows[cancels.pk].message) == (broadcasts.NOT_ANY_MORE, None)
    assert (rows[stops.pk].why_not, rows[stops.pk].message.status) == ("no_consent", "suppressed")


def test_stop_takes_back_what_has_not_left(desk, noon, monkeypatch):
    monkeypatch.setattr(broadcasts, "BATCH", 2)
    people(desk, 5)
    broadcast = drafted(desk)
    with inside(desk.practice):
        broadcasts.start(broadcast=broadcast, by=an_actor(desk.dana))
    broadcasts.send_batch(desk.practice)
    with inside(desk.practice):
        first = Message.objects.order_by("pk").first()
        Message.objects.filter(pk=first.pk).update(status="sent")
        assert broadcasts.stop(broadcast=broadcast, by=an_actor(desk.dana)) == 4
    broadcasts.send_all(desk.practice)
    with inside(desk.practice):
        assert sorted(Message.objects.values_list("status", flat=True)) == ["cancelled", "sent"]
        assert Broadcast.objects.get().status == "stopped"


def test_workers_beside_each_other_send_each_once(desk, noon, monkeypatch):
    monkeypatch.setattr(broadcasts, "BATCH", 2)
    people(desk, 9)
    broadcast = drafted(desk)
    with inside(desk.practice):
        broadcasts.start(broadcast=broadcast, by=an_actor(desk.dana))

    def work() -> None:
        try:
            broadcasts.send_all(desk.practice)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    broadcasts.send_all(desk.practice)
    with inside(desk.practice):
        assert Message.objects.filter(kind="broadcast").count() == 9
        assert Message.objects.values("patient").distinct().count() == 9


def test_a_worker_that_dies_in_a_batch_leaves_the_rest_to_the_next(desk, noon, monkeypatch):
    monkeypatch.setattr(broadcasts, "BATCH", 2)
    people(desk, 5)
    broadcast = drafted(desk)
    with inside(desk.practice):
        broadcasts.start(broadcast=broadcast, by=an_actor(desk.dana))
    real, calls = broadcasts.send_one, []

    def dies(*given: Any) -> None:
        calls.append(given)
        if len(calls) == 4:
            raise SystemExit("killed")
        real(*given)

    monkeypatch.setattr(broadcasts, "send_one", dies)
    with pytest.raises(SystemExit):
        broadcasts.send_all(desk.practice)
    with inside(desk.practice):
        assert Message.objects.count() == 2
    monkeypatch.setattr(broadcasts, "send_one", real)
    broadcasts.send_all(desk.practice)
    with inside(desk.practice):
        assert Message.objects.count() == 5
        assert Broadcast.objects.get().status == "done"


@pytest.mark.parametrize(
    "words",
    [
        "Reply STOP if you want no more.",
        "Responda PARAR si no viene",
        "Your biopsy is back, call us.",
        "Sus resultados están listos.",
        "See https://example.org",
        "Hello $surname",
        "Harbor Street is late.",
        "long " * 200,
    ],
)
def test_words_that_must_not_be_in_a_text_are_refused(practice, words):
    with inside(practice):
        assert words_against(words)


@pytest.mark.parametrize(
    "words", ["We run 40 minutes late. Please call $phone.", "Hoy cerramos a las 3, $name."]
)
def test_plain_words_are_fine(practice, words):
    with inside(practice):
        assert words_against(words) == []


def test_the_pages_draft_review_send_and_stop(desk, noon):
    people(desk, 2)
    with inside(desk.practice):
        a_patient(desk.practice, given="Landline", phone="+15035550309")
    fields = {"audience": "rest-of-day", "option_rest-of-day": str(desk.osei.pk), "body_en": "We are late."}
    assert desk.client.post(desk.base, fields | {"body_en": ""}).status_code == 422
    assert desk.client.post(desk.base, fields | {"body_en": "Reply STOP"}).status_code == 422
    assert desk.client.post(desk.base, fields | {"audience": "x"}).status_code == 422
    assert desk.client.post(desk.base, fields | {"option_rest-of-day": ""}).status_code == 422
    empty = fields | {"option_rest-of-day": str(desk.lim.pk)}
    assert "Nobody is in this group" in desk.client.post(desk.base, empty).content.decode()
    review = desk.client.post(desk.base, fields, follow=True)
    page = review.content.decode()
    assert "2 of 2 can be written to: 2 text segments" in page
    assert "Harbor Street: We are late." in page
    with inside(desk.practice):
        broadcast = Broadcast.objects.get()
        assert not Message.objects.exists()
        assert AccessEvent.objects.filter(screen="broadcast").exists()
    url = f"{desk.base}{broadcast.pk}/"
    assert desk.client.post(f"{url}send/").status_code == 302
    broadcasts.send_all(desk.practice)
    assert "waits to go out" in desk.client.get(f"{url}?fragment=body").content.decode().lower()
    desk.client.post(f"{url}stop/")
    assert "withdrawn before it left" in desk.client.get(url).content.decode().lower()


def test_a_clinician_may_not_write_to_many(desk):
    ben = a_member(desk.practice, a_user("ben@frontdesk.example"), Role.CLINICIAN)
    client = Client()
    client.force_login(ben.user)
    assert client.get(desk.base).status_code == 403


@pytest.mark.parametrize("number", [1, 30])
def test_the_page_asks_as_much_for_thirty_as_for_one(desk, noon, number):
    people(desk, number)
    broadcast = drafted(desk)
    url = f"{desk.base}{broadcast.pk}/?fragment=body"
    desk.client.get(url)
    with CaptureQueriesContext(connection) as queries:
        page = desk.client.get(url, headers={"HX-Request": "true"})
    assert len(page.context["lines"]) == number
    assert len(queries) == PAGE_QUERIES
