"""Series and linked visits for programs: the same verbs, each refusal a problem that names its dates."""

import pytest

from practices.tenancy import inside
from scheduling.models import Appointment, Status
from tests.factories import a_patient
from tests.scheduling.conftest import a_diary, at
from tests.scheduling.test_api import Desk


@pytest.fixture
def desk(db, clock):
    return Desk(a_diary())


def asked(desk, **given):
    values = {
        "patient": str(desk.diary.patient.pk), "practitioner": str(desk.diary.osei.pk),
        "type": str(desk.diary.kind.pk), "rule": "FREQ=WEEKLY;COUNT=4", "local_time": "2026-12-01T09:00",
    }  # fmt: skip
    return values | given


def booked(desk, **given):
    return desk.post("series/", asked(desk, **given))


def taken(desk, when):
    with inside(desk.diary.practice):
        desk.diary.book(when)


def standing(desk):
    with inside(desk.diary.practice):
        rows = Appointment.objects.filter(status=Status.BOOKED).order_by("starts_at")
        return [f"{row.local_date:%m-%d} {row.local_time:%H:%M}" for row in rows]


def test_every_date_is_looked_at_and_nothing_is_saved(desk):
    taken(desk, "2026-12-08 09:00")
    answer = desk.post("series/look/", asked(desk))
    assert answer.status_code == 200
    assert [row["against"] for row in answer.json()] == ["", "taken", "", ""]
    assert standing(desk) == ["12-08 09:00"]


def test_a_series_is_booked_with_dates_left_out_and_put_elsewhere(desk):
    taken(desk, "2026-12-08 09:00")
    refused = booked(desk)
    assert refused.status_code == 409
    assert refused.json()["verdicts"] == ["", "Dr. Osei has another visit then.", "", ""]
    instead = [{"position": 3, "starts_at": at("2026-12-15 14:00").isoformat()}]
    answer = booked(desk, skip=[2], instead=instead)
    assert answer.status_code == 201
    assert answer.json()["total"] == 3
    assert standing(desk) == ["12-01 09:00", "12-08 09:00", "12-15 14:00", "12-22 09:00"]
    shown = desk.get(f"series/{answer.json()['id']}/")
    assert [visit["local_time"] for visit in shown.json()["visits"]][1] == "2026-12-15T14:00"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"rule": "FREQ=WEEKLY"}, 422),
        ({"rule": "FREQ=SECONDLY;COUNT=5"}, 422),
        ({"rule": "x" * 300}, 400),
        ({"local_time": "2999-01-01T09:00"}, 400),
        ({"patient": "nobody"}, 400),
        ({"skip": [999]}, 400),
        ({"skip": list(range(1, 60))}, 400),
        ({"skip": [1, 2, 3]}, 422),
    ],
)
def test_bad_input_is_refused_at_the_door(desk, given, status):
    answer = booked(desk, **given)
    assert answer.status_code == status, answer.content
    assert standing(desk) == []


def test_later_ones_move_and_all_are_cancelled(desk):
    visits = booked(desk).json()["visits"]
    second = visits[1]["id"]
    answer = desk.post(
        f"appointments/{second}/reschedule-together/",
        {"version": 1, "scope": "later", "local_time": "2026-12-08T14:00"},
    )
    assert answer.status_code == 201, answer.content
    assert standing(desk) == ["12-01 09:00", "12-08 14:00", "12-15 14:00", "12-22 14:00"]
    stale = desk.post(
        f"appointments/{visits[0]['id']}/cancel-together/", {"version": 9, "scope": "all", "reason": "pat"}
    )
    assert stale.status_code == 409
    gone = desk.post(
        f"appointments/{visits[0]['id']}/cancel-together/", {"version": 1, "scope": "all", "reason": "pat"}
    )
    assert gone.status_code == 200
    assert standing(desk) == []


def test_linked_visits_are_found_and_booked(desk):
    child = a_patient(desk.diary.practice, "Leo")
    parts = [
        {"patient": str(person.pk), "type": str(desk.diary.kind.pk)} for person in (desk.diary.patient, child)
    ]
    span = {"shape": "side-by-side", "from": "2026-11-30", "until": "2026-12-04"}
    found = desk.post("linked-visits/find/", {"parts": parts, **span})
    assert found.status_code == 200
    times = found.json()[0]["times"]
    assert {time["local_time"] for time in times} == {"2026-11-30T08:00"}
    wanted = [
        part | {"practitioner": time["practitioner"], "starts_at": time["starts_at"]}
        for part, time in zip(parts, times, strict=True)
    ]
    answer = desk.post("linked-visits/", {"parts": wanted, "shape": "side-by-side"})
    assert answer.status_code == 201
    again = desk.post("linked-visits/", {"parts": wanted, "shape": "side-by-side"})
    assert again.status_code == 409
    assert len(standing(desk)) == 2
    century = desk.post("linked-visits/find/", {"parts": parts, **span, "until": "2090-01-01"})
    assert century.status_code == 400
