"""Calendar objects in e-mails: sent to a real mail server, taken apart, and read back by another program."""

import datetime as dt
import re
import zoneinfo
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from icalendar import Calendar

from messaging.delivery import deliver_all
from messaging.models import Message
from patients.models import Consent, ContactPoint
from practices.tenancy import inside
from scheduling.accepting import accept_offer
from scheduling.batches import Move, cancel_visits, reschedule_visits
from scheduling.booking import book_appointment, cancel_appointment, reschedule_appointment
from scheduling.chains import roots_of
from scheduling.choosing import choose_time
from scheduling.drafts import Slot
from scheduling.links import PATIENT
from scheduling.models import Change, Offer
from scheduling.offering import work_openings
from scheduling.series import book_series, dates_of
from scheduling.undo import undo_change
from scheduling.visit_calendar import calendar_file, invitation
from tests.factories import a_patient
from tests.scheduling.conftest import a_diary, at
from tests.scheduling.waiting_room import a_rule, waits
from tools.pretend_supplier.mail import free_port

HOUR = dt.timedelta(hours=1)
QUIET = {"quiet_from": dt.time(0), "quiet_until": dt.time(0)}


class Mailbox:
    """A mail server that keeps what comes."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 Taken"


@pytest.fixture
def mailbox(settings):
    box, port = Mailbox(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    yield box
    server.stop()


def a_mailed_patient(practice: Any, given: str = "Marisol", **fields: Any) -> Any:
    patient = a_patient(practice, given, **fields)
    with inside(practice):
        ContactPoint.objects.create(
            practice=practice, patient=patient, system="email", value="m.vega@example.org"
        )
        Consent.objects.create(practice=practice, patient=patient, channel="email", granted=True, how="phone")
    return patient


@pytest.fixture
def desk(transactional_db, clock, mailbox):
    made = a_diary(**QUIET)
    made.patient = a_mailed_patient(made.practice, "Ada", know_first="QUORLOWE")
    made.mailbox, made.clock = mailbox, clock
    return made


def deliver(desk: Any) -> list[EmailMessage]:
    """Lets all that waits leave; what came."""
    desk.clock.shift(dt.timedelta(minutes=4))
    before = len(desk.mailbox.mails)
    deliver_all(desk.practice)
    return desk.mailbox.mails[before:]


def event_in(mail: EmailMessage) -> tuple[str, Any]:
    """The METHOD of the part beside the words, and its one event."""
    (part,) = [p for p in mail.walk() if p.get_content_type() == "text/calendar"]
    calendar = Calendar.from_ical(part.get_content())
    assert part["content-type"].params["method"] == calendar["method"]
    (event,) = calendar.walk("VEVENT")
    return str(calendar["method"]), event


def test_a_booking_a_move_and_a_cancellation_follow_one_appointment(desk):
    with inside(desk.practice):
        visit = desk.book("2026-11-30 10:00", patient=desk.patient, reason="QUORLOWE rash")
    (mail,) = deliver(desk)
    method, event = event_in(mail)
    assert (method, event["status"], event["sequence"]) == ("REQUEST", "CONFIRMED", 0)
    uid = event["uid"]
    with inside(desk.practice):
        moved = reschedule_appointment(
            appointment=visit, version=visit.version, starts_at=at("2026-12-01 11:30"), by=desk.by
        )
    (mail,) = deliver(desk)
    method, event = event_in(mail)
    assert (method, event["uid"], event["sequence"]) == ("REQUEST", uid, 1)
    assert event["dtstart"].dt == at("2026-12-01 11:30")
    assert event["dtend"].dt == at("2026-12-01 12:00")
    with inside(desk.practice):
        cancel_appointment(appointment=moved, version=moved.version, reason="prov", by=desk.by)
    (mail,) = deliver(desk)
    method, event = event_in(mail)
    assert (method, event["uid"], event["sequence"]) == ("CANCEL", uid, 2)
    assert event["status"] == "CANCELLED"


def test_a_time_she_chose_by_her_link_replaces_the_one_in_her_calendar(desk):
    with inside(desk.practice):
        visit = desk.book("2026-12-01 10:00", patient=desk.patient)
    (mail,) = deliver(desk)
    _, before = event_in(mail)
    with inside(desk.practice):
        choose_time(visit=visit, practitioner_id=desk.osei.pk, starts_at=at("2026-12-03 11:30"), by=PATIENT)
    (mail,) = deliver(desk)
    method, event = event_in(mail)
    assert (method, event["uid"], event["sequence"]) == ("REQUEST", before["uid"], 1)
    assert event["dtstart"].dt == at("2026-12-03 11:30")


@pytest.mark.parametrize("earlier", [True, False])
def test_a_time_she_won_from_the_waitlist_comes_into_her_calendar(desk, earlier):
    with inside(desk.practice):
        a_rule()
        freed = desk.book("2026-11-30 09:00", tell_patient=False, patient=a_patient(desk.practice, "Leo"))
        visit = desk.book("2026-12-01 10:00", patient=desk.patient) if earlier else None
        waits(desk, patient=desk.patient, appointment=visit)
    uids = [event_in(mail)[1]["uid"] for mail in deliver(desk)]
    with inside(desk.practice):
        cancel_appointment(appointment=freed, version=1, reason="pat", tell_patient=False, by=desk.by)
    desk.clock.shift(dt.timedelta(minutes=6))
    work_openings(desk.practice)
    (question,) = deliver(desk)
    assert not [part for part in question.walk() if part.get_content_type() == "text/calendar"]
    with inside(desk.practice):
        accept_offer(offer=Offer.objects.get(), how="link", by=PATIENT)
    (mail,) = deliver(desk)
    method, event = event_in(mail)
    assert (method, event["sequence"]) == ("REQUEST", 1 if earlier else 0)
    assert uids in ([], [event["uid"]])
    assert event["dtstart"].dt == at("2026-11-30 09:00")
    assert event["attendee"] == "mailto:m.vega@example.org"


def book_weekly(desk: Any, count: int) -> list[Any]:
    """A series from Tuesday, December 1 at 10 on; its mail has left."""
    rule = f"FREQ=WEEKLY;COUNT={count}"
    with inside(desk.practice):
        dates = [
            Slot(row.practitioner, row.starts_at)
            for row in dates_of(rule, Slot(desk.osei, at("2026-12-01 10:00")))
        ]
        _, visits = book_series(
            patient=desk.patient, appointment_type=desk.kind, dates=dates, rule=rule, by=desk.by
        )
    (mail,) = deliver(desk)
    assert not [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    return list(visits)


def test_a_date_of_a_series_that_came_into_her_calendar_leaves_it_with_the_series(desk):
    first, *others = book_weekly(desk, 4)
    with inside(desk.practice):
        moved = reschedule_appointment(
            appointment=first, version=first.version, starts_at=at("2026-12-02 10:00"), by=desk.by
        )
    (mail,) = deliver(desk)
    _, entered = event_in(mail)
    with inside(desk.practice):
        cancel_visits(visits=[(one, one.version) for one in (moved, *others)], reason="prov", by=desk.by)
    alone, together = sorted(deliver(desk), key=lambda mail: "Dec 8" in mail.as_string())
    method, event = event_in(alone)
    assert (method, event["uid"], event["sequence"]) == ("CANCEL", entered["uid"], entered["sequence"] + 1)
    words = together.get_body(("plain",)).get_content()
    assert "Dec 8, Dec 15 and Dec 22" in words
    assert "Dec 2 " not in words


def test_a_date_in_her_calendar_moves_there_with_the_series(desk):
    first, second = book_weekly(desk, 2)
    with inside(desk.practice):
        moved = reschedule_appointment(
            appointment=first, version=first.version, starts_at=at("2026-12-02 10:00"), by=desk.by
        )
    deliver(desk)
    with inside(desk.practice):
        moves = [Move(one, one.version, one.starts_at + HOUR, desk.osei) for one in (moved, second)]
        reschedule_visits(moves=moves, by=desk.by)
    events = [event_in(mail) for mail in deliver(desk)]
    assert [method for method, _ in events] == ["REQUEST", "REQUEST"]
    assert {event["dtstart"].dt for _, event in events} == {at("2026-12-02 11:00"), at("2026-12-08 11:00")}
    assert f"{first.pk}@front-desk" in {str(event["uid"]) for _, event in events}


def test_a_move_that_is_taken_back_still_counts_upwards(desk):
    with inside(desk.practice):
        visit = desk.book("2026-11-30 10:00", patient=desk.patient)
    deliver(desk)
    with inside(desk.practice):
        type(desk.practice).objects.update(undo_minutes=60)
        desk.practice.undo_minutes = 60
        moved = reschedule_appointment(
            appointment=visit, version=visit.version, starts_at=at("2026-12-01 11:30"), by=desk.by
        )
        Message.objects.filter(status="queued").update(send_after=at("2026-11-24 09:00"))
    (mail,) = deliver(desk)
    assert event_in(mail)[1]["sequence"] == 1
    with inside(desk.practice):
        undo_change(change=Change.objects.get(appointment=moved, kind="moved"), by=desk.by)
        Message.objects.filter(status="queued").update(send_after=at("2026-11-24 09:00"))
    (mail,) = deliver(desk)
    method, event = event_in(mail)
    assert (method, event["sequence"]) == ("REQUEST", 2)
    assert event["dtstart"].dt == at("2026-11-30 10:00")


def test_mail_programs_find_who_asks_and_who_attends(desk):
    with inside(desk.practice):
        desk.book("2026-11-30 10:00", patient=desk.patient, reason="QUORLOWE rash", note="QUORLOWE")
    (mail,) = deliver(desk)
    _, event = event_in(mail)
    assert event["organizer"] == "mailto:desk@harbor-street.example"
    assert event["organizer"].params["CN"] == "Harbor Street"
    assert event["attendee"] == "mailto:m.vega@example.org"
    assert event["summary"] == "Appointment, Harbor Street"
    (file,) = [p for p in mail.walk() if p.get_filename()]
    assert (file.get_filename(), file.get_content_type()) == ("appointment.ics", "application/ics")
    assert Calendar.from_ical(file.get_content()).walk("VEVENT")[0]["uid"] == event["uid"]
    text = mail.as_string() + file.get_content().decode()
    for hidden in ("QUORLOWE", "Osei", "Follow-up", "410 Harbor"):
        assert hidden not in text
    assert mail.get_body(("plain",)).get_content().startswith("Hello Ada")


def test_no_text_and_no_other_mail_carries_one(desk):
    with inside(desk.practice):
        other = a_patient(desk.practice, "Tess", phone="+15035550177")
        Consent.objects.create(
            practice=desk.practice, patient=other, channel="sms", granted=True, how="phone"
        )
        desk.book("2026-11-30 11:00", patient=other)
        assert Message.objects.get().calendar is None
        visit = desk.book("2026-11-30 10:00", patient=desk.patient)
        assert invitation(visit, "reminder", to="m@example.org", language="en") is None


def test_a_neutral_name_stays_neutral_and_spanish_is_spoken(desk):
    with inside(desk.practice):
        patient = a_mailed_patient(desk.practice, "Luz", language="es", neutral_name=True)
        desk.book("2026-11-30 10:00", patient=patient)
    (mail,) = deliver(desk)
    _, event = event_in(mail)
    assert event["summary"] == "Cita, Su equipo de salud"
    assert "Harbor" not in str(event["organizer"].params)


@pytest.mark.parametrize(
    "name",
    [
        "Harbor\r\nATTENDEE:mailto:evil@example.org", 'Har"bor', "Har\u202ebor",
        "Harbor; Street, \\n: Clinic",
        "Häfen " * 20, "=SUM(A1)",
    ],
)  # fmt: skip
def test_no_name_breaks_out_of_its_property(desk, name):
    with inside(desk.practice):
        visit = desk.book("2026-11-30 10:00", patient=desk.patient, tell_patient=False)
        desk.practice.display_name = name
        text = invitation(visit, "confirmation", to="m@example.org", language="en")
    assert text is not None
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert event["attendee"] == "mailto:m@example.org"  # one, and it is the patient
    assert event["organizer"] == "mailto:desk@harbor-street.example"
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    whole = text.replace("\r\n ", "").strip().split("\r\n")
    assert all(re.match(r"[A-Z-]+[;:]", line) for line in whole)


@pytest.mark.parametrize(
    ("zone", "starts"),
    [
        ("America/New_York", dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC)),  # the first 1:30
        ("America/New_York", dt.datetime(2026, 11, 1, 6, 30, tzinfo=dt.UTC)),  # the second
        ("America/New_York", dt.datetime(2027, 3, 14, 7, 0, tzinfo=dt.UTC)),
        ("Europe/London", dt.datetime(2027, 3, 28, 1, 0, tzinfo=dt.UTC)),
        ("Australia/Lord_Howe", dt.datetime(2027, 4, 3, 15, 15, tzinfo=dt.UTC)),
        ("America/Phoenix", dt.datetime(2027, 3, 14, 9, 30, tzinfo=dt.UTC)),
        ("Pacific/Honolulu", dt.datetime(2026, 11, 1, 11, 30, tzinfo=dt.UTC)),
    ],
)
def test_on_the_nights_of_clock_changes_the_instant_is_the_one_agreed(desk, zone, starts):
    with inside(desk.practice):
        type(desk.practice).objects.update(time_zone=zone)
        visit = desk.book("2026-11-30 10:00", patient=desk.patient, tell_patient=False)
        visit.starts_at = starts.astimezone(zoneinfo.ZoneInfo(zone))
        visit.ends_at = (starts + dt.timedelta(minutes=30)).astimezone(zoneinfo.ZoneInfo(zone))
        text = invitation(visit, "confirmation", to="m@example.org", language="en")
    (event,) = Calendar.from_ical(text or "").walk("VEVENT")
    assert event["dtstart"].dt == starts
    assert event["dtend"].dt - event["dtstart"].dt == dt.timedelta(minutes=30)
    assert f"DTSTART:{starts:%Y%m%dT%H%M%SZ}" in (text or "")


def test_the_file_on_the_private_page_is_the_same_appointment(desk):
    with inside(desk.practice):
        visit = desk.book("2026-11-30 10:00", patient=desk.patient)
        moved = reschedule_appointment(
            appointment=visit, version=visit.version, starts_at=at("2026-12-01 11:30"), by=desk.by
        )
        assert roots_of([moved.pk, visit.pk]) == {moved.pk: visit.pk, visit.pk: visit.pk}
        (event,) = Calendar.from_ical(calendar_file(moved, desk.practice, "410 Harbor Street", "en")).walk(
            "VEVENT"
        )
    assert event["uid"] == f"{visit.pk}@front-desk"
    assert event["location"] == "410 Harbor Street"


def test_the_object_is_sealed_in_the_outbox(desk):
    with inside(desk.practice):
        desk.book("2026-11-30 10:00", patient=desk.patient)
        with connection.cursor() as cursor:
            cursor.execute("SELECT calendar FROM messaging_message WHERE calendar IS NOT NULL")
            ((raw,),) = cursor.fetchall()
    assert b"VCALENDAR" not in bytes(raw)


def test_a_long_chain_is_one_appointment(desk):
    with inside(desk.practice):
        first = visit = book_appointment(
            patient=desk.patient, practitioner=desk.osei, appointment_type=desk.kind,
            starts_at=at("2026-11-30 08:00"), tell_patient=False, by=desk.by,
        )  # fmt: skip
        for hour in range(9, 12):
            visit = reschedule_appointment(
                appointment=visit, version=visit.version, starts_at=at(f"2026-11-30 {hour:02d}:00"),
                tell_patient=False, by=desk.by,
            )  # fmt: skip
        assert roots_of([visit.pk]) == {visit.pk: first.pk}
