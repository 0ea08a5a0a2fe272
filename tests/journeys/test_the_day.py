"""The loop of a day over HTTP: booked, texted, answered, confirmed; and what the timetable starts, once."""

import datetime as dt
import re
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from frontdesk.models import Finding, Review
from messaging.models import Message
from patients.models import Patient
from practices.models import AuditEntry, Practice
from practices.tenancy import inside
from scheduling.models import Appointment, AppointmentType
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type
from tests.houses import House, Visitor, zone_where_it_is
from tests.messaging.conftest import a_texting_patient

PHONE = "+15035550142"


def until(look: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Looks until something is there; a worker of another process does it in its own time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: never"
        time.sleep(0.1)
    return found


def a_day(house: House, **fields: Any) -> tuple[Practice, AppointmentType]:
    """A practice at noon, open for texts at every hour, whose texts leave at once."""
    always = {"quiet_from": dt.time(0), "quiet_until": dt.time(0), "undo_minutes": 0}
    practice = a_practice(time_zone=zone_where_it_is(12), **(always | fields))
    a_member(practice)
    kind = a_type(practice, practitioners=[a_practitioner(practice)])
    house.connect(practice)
    return practice, kind


def book_by_hand(visitor: Visitor, practice: Practice, patient: Patient, kind: AppointmentType) -> None:
    """What a receptionist does in the dialog: the caller, the visit, the first time offered, Book."""
    home = f"/p/{practice.slug}/book/"
    chosen = {"patient": str(patient.pk), "visit_type": str(kind.pk), "text_ok": "on"}
    offered = visitor.post(f"{home}times/", chosen).text
    slots = re.findall(r'name="slot" id="slot-\d+" value="([^"]+)"', offered)
    booked = visitor.post(home, chosen | {"slot": slots[-1], "for": str(patient.pk)})
    assert booked.ok, booked.text[:500]


def visit_of(practice: Practice, patient: Patient) -> Appointment:
    with inside(practice):
        return Appointment.objects.get(patient=patient, status="booked")


def test_booked_texted_answered_confirmed(house: House) -> None:
    practice, kind = a_day(house)
    patient = a_texting_patient(practice, PHONE)
    dana = Visitor(house.url)
    dana.sign_in()
    book_by_hand(dana, practice, patient, kind)
    (text,) = until(lambda: house.supplier.texts_to(PHONE), "the confirmation")
    assert practice.public_name in text["body"]
    assert f"{house.url}/v/" in text["body"]
    assert visit_of(practice, patient).confirmation != "confirmed"
    house.supplier.write(PHONE, str(practice.line_number), "Yes!")
    until(lambda: visit_of(practice, patient).confirmation == "confirmed", "the confirmation by text")
    assert visit_of(practice, patient).confirmed_by == "text"
    day = visit_of(practice, patient).local_date.isoformat()
    assert "Confirmed" in dana.get(f"/p/{practice.slug}/list/?d={day}").text


def test_a_text_goes_out_though_the_broker_lost_the_wake_up(house: House) -> None:
    practice, kind = a_day(house)
    patient = a_texting_patient(practice, PHONE)
    dana = Visitor(house.url)
    dana.sign_in()
    house.signal(signal.SIGSTOP, "worker", "beat", "second-beat")
    time.sleep(1.5)  # what the worker was just asking the broker for runs out: it would be handed the task
    book_by_hand(dana, practice, patient, kind)
    assert house.redis.llen("celery") > 0, "booking wakes a worker"
    house.redis.flushdb()
    time.sleep(0.5)
    assert house.supplier.texts_to(PHONE) == []
    house.resume()
    until(lambda: house.supplier.texts_to(PHONE), "the text")
    with inside(practice):
        assert [message.status for message in Message.objects.all()] in (["sent"], ["delivered"])
    assert len(house.supplier.texts_to(PHONE)) == 1


def started(house: House, name: str) -> int:
    return house.log(name).count("frontdesk.tasks.start_reviews_everywhere")


def test_two_timetables_start_one_review(house: House) -> None:
    before = [started(house, name) for name in ("beat", "second-beat")]
    practice, _ = a_day(house, morning_review_at=dt.time(7), evening_review_at=dt.time(23, 59))
    a_patient(practice)

    def both_knocked() -> bool:
        now = [started(house, name) for name in ("beat", "second-beat")]
        return all(after > earlier + 2 for earlier, after in zip(before, now, strict=True))

    def reviews() -> list[tuple[str, dt.date]]:
        with inside(practice):
            return list(Review.objects.values_list("kind", "local_date"))

    until(both_knocked, "both timetables")
    until(reviews, "the review")
    house.rest()
    assert reviews() == [("morning", practice.today())]
    with inside(practice):
        assert AuditEntry.objects.filter(verb="review.started").count() == 1
        keys = list(Finding.objects.values_list("once_key", flat=True))
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("review_at", [dt.time(23, 58)])
def test_a_review_does_not_begin_before_its_time(house: House, review_at: dt.time) -> None:
    """The control: it is the practice's clock that starts a review, not the knock."""
    practice, _ = a_day(house, morning_review_at=review_at, evening_review_at=dt.time(23, 59))
    before = started(house, "beat")
    until(lambda: started(house, "beat") > before + 2, "the timetable")
    house.rest()
    with inside(practice):
        assert not Review.objects.exists()
