"""What a day's board says, and that it says it in a fixed number of queries."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.dayplan import MOST_LANES, Place, Span, free_places, lanes, overlap, span_of, subtract
from frontdesk.today import Board, Card, day_board
from messaging.models import Task
from messaging.staff_tasks import open_task
from practices.audit import SYSTEM
from practices.models import AccessEvent, Closure, Practice
from practices.tenancy import inside
from scheduling.models import Appointment, AppointmentType, Practitioner, TimeOff
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user

DAY = dt.date(2026, 6, 9)  # a Tuesday
BOARD_QUERIES = 8
COLUMN_QUERIES = 14  # four of them are the session, the person and the gate


class Desk:
    """Harbor Street with two clinicians on a Tuesday in June."""

    def __init__(self) -> None:
        self.practice: Practice = a_practice()
        self.dana = a_member(self.practice)
        self.osei: Practitioner = a_practitioner(self.practice, "Dr. Osei", position=1)
        self.lind: Practitioner = a_practitioner(self.practice, "Dr. Lindqvist", position=2)
        self.kind: AppointmentType = a_type(self.practice, "Follow-up", 30, [self.osei, self.lind])

    def at(self, hour: int, minute: int = 0, day: dt.date = DAY) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=self.practice.zone)

    def visit(
        self, name: str, who: Practitioner, start: dt.datetime, minutes: int = 30, **fields: Any
    ) -> Appointment:
        given_name, family = name.split()
        needs = fields.pop("needs", [])
        patient = a_patient(self.practice, given_name, family, needs=needs)
        with inside(self.practice):
            return Appointment.objects.create(
                practice=self.practice,
                patient=patient,
                practitioner=who,
                appointment_type=self.kind,
                starts_at=start,
                ends_at=start + dt.timedelta(minutes=minutes),
                local_date=start.date(),
                local_time=start.time(),
                time_zone=str(self.practice.time_zone),
                **fields,
            )

    def board(self, day: dt.date = DAY, **more: Any) -> Board:
        with inside(self.practice):
            return day_board(self.practice, day, **more)

    def card(self, name: str, **more: Any) -> Card:
        return next(card for card in self.board(**more).rows if card.name == name)


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def at_ten_past_nine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dt.datetime:
    now = desk.at(9, 10)
    monkeypatch.setattr(Practice, "now", lambda self: now)
    return now


def test_a_label_says_time_name_status_and_clinician(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(11, 30), confirmation="confirmed", needs=["interpreter"])
    assert desk.card("Marisol Vega").label == "11:30, Marisol Vega, confirmed, Dr. Osei, interpreter"


@pytest.mark.parametrize(
    ("fields", "stage", "words"),
    [
        ({}, "book", "to confirm"),
        ({"confirmation": "confirmed"}, "conf", "confirmed"),
        ({"status": "arrived"}, "arr", "arrived"),
        ({"status": "arrived", "seen_at": dt.datetime(2026, 6, 9, 13, tzinfo=dt.UTC)}, "vis", "in visit"),
        ({"status": "fulfilled"}, "done", "done"),
        ({"status": "noshow"}, "bad", "no-show"),
        ({"status": "cancelled"}, "off", "cancelled"),
    ],
)
def test_each_status_has_its_class_icon_and_words(
    desk: Desk, fields: dict[str, Any], stage: str, words: str
) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9), **fields)
    card = desk.card("Marisol Vega")
    assert (card.stage, card.status) == (stage, words)
    assert words in card.label
    if stage != "off":
        assert f"st-{stage}" in card.css


def test_cancelled_visits_are_in_the_list_and_not_on_the_board(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9), status="cancelled")
    desk.visit("Never There", desk.osei, desk.at(10), status="entered-in-error")
    board = desk.board()
    assert [card.name for card in board.rows] == ["Marisol Vega"]
    assert [card for column in board.columns for card in column.cards] == []


def test_places_are_counted_from_the_first_hour_drawn(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9, 30), 45)
    board = desk.board()
    assert (board.window, board.steps) == (Span(480, 1020), 108)
    assert "s-18 d-9" in board.columns[0].cards[0].css


def test_a_visit_outside_the_hours_stretches_the_board(desk: Desk) -> None:
    desk.visit("Early Bird", desk.osei, desk.at(6, 40))
    desk.visit("Night Owl", desk.osei, desk.at(19, 10))
    assert desk.board().window == Span(6 * 60, 20 * 60)


def test_lunch_time_off_and_closures_are_hatched_with_words(desk: Desk) -> None:
    with inside(desk.practice):
        TimeOff.objects.create(
            practice=desk.practice,
            practitioner=desk.lind,
            starts_at=desk.at(8),
            ends_at=desk.at(9, 30),
            label="Training",
        )
    osei, lind = desk.board().columns
    assert [(block.label, block.css) for block in osei.blocks] == [("Lunch", "ap blk s-48 d-12")]
    assert ("Training", "ap blk s-0 d-18") in [(block.label, block.css) for block in lind.blocks]
    assert lind.sub == "from 9:30"
    with inside(desk.practice):
        Closure.objects.create(practice=desk.practice, first_day=DAY, last_day=DAY, reason="Harbor Day")
    board = desk.board()
    assert board.closed == "Harbor Day"
    assert {column.sub for column in board.columns} == {"Closed"}
    assert [item for column in board.columns for item in column.items] == []


def test_who_neither_works_nor_has_visits_gets_no_column(desk: Desk) -> None:
    with inside(desk.practice):
        desk.lind.weekly_hours.all().delete()
    assert [column.name for column in desk.board().columns] == ["Dr. Osei"]
    desk.visit("Marisol Vega", desk.lind, desk.at(9))
    assert [column.name for column in desk.board().columns] == ["Dr. Osei", "Dr. Lindqvist"]


def test_free_places_lead_to_booking_and_never_lie_in_the_past(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_ten_past_nine(desk, monkeypatch)
    desk.visit("Marisol Vega", desk.osei, desk.at(10))
    osei = desk.board().columns[0]
    free = [item for item in osei.items if item.free]
    assert free[0].label == "9:10, free, 50 min, Dr. Osei"
    assert "start=2026-06-09T09%3A10" in free[0].url  # type: ignore[union-attr]
    assert all(place.span.start >= 9 * 60 + 10 for place in free)
    # Half an hour must fit: nothing begins at 9:45, before the visit at 10.
    assert 9 * 60 + 45 not in [place.span.start for place in free]
    assert not [item for column in desk.board(DAY - dt.timedelta(days=1)).columns for item in column.items]


def test_waiting_and_late_are_counted_in_minutes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    now = at_ten_past_nine(desk, monkeypatch)
    desk.visit(
        "Irene Castell", desk.osei, desk.at(9, 30), status="arrived", arrived_at=now - dt.timedelta(minutes=4)
    )
    desk.visit("Kyle Rennick", desk.lind, desk.at(8, 52))
    castell, rennick = desk.card("Irene Castell"), desk.card("Kyle Rennick")
    assert (castell.waited, castell.line) == (4, "Follow-up, here early")
    assert castell.label.endswith("waiting 4 min")
    assert (rennick.late, rennick.waited) == (18, None)
    assert rennick.label.endswith("18 min late")


def test_privacy_mode_shows_initials_and_no_notes(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9), 45, note="Brings scans")
    assert desk.card("Marisol Vega").note == "Brings scans"
    hidden = desk.card("M. V.", private=True)
    assert hidden.note == ""
    assert "Marisol" not in hidden.label


def test_overbooked_visits_lie_side_by_side(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9))
    desk.visit("Owen Park", desk.osei, desk.at(9, 15), overbook_reason="squeezed in")
    first, second = desk.board().columns[0].cards
    assert (first.css[-9:], second.css[-9:]) == ("of-2 at-0", "of-2 at-1")


def test_the_night_of_a_clock_change_keeps_wall_clock_places(desk: Desk) -> None:
    spring = dt.date(2026, 3, 8)
    assert str(desk.practice.zone) == "America/New_York"
    start = desk.at(9, day=spring)
    assert start.astimezone(zoneinfo.ZoneInfo("UTC")).hour == 13
    desk.visit("Marisol Vega", desk.osei, start)
    board = desk.board(spring)
    assert "s-12 d-6" in board.columns[0].cards[0].css
    assert board.columns[0].cards[0].time == "9:00 AM"


def test_queries_do_not_grow_with_visits(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(8))
    assert queries_of(desk) == BOARD_QUERIES
    patient = a_patient(desk.practice, "Owen", "Park")
    with inside(desk.practice):
        Appointment.objects.bulk_create(
            Appointment(
                practice=desk.practice,
                patient=patient,
                practitioner=(desk.osei, desk.lind)[n % 2],
                appointment_type=desk.kind,
                starts_at=desk.at(8) + dt.timedelta(minutes=n),
                ends_at=desk.at(8) + dt.timedelta(minutes=n + 50),
                note="Brings scans",
                local_date=DAY,
                local_time=dt.time(8),
                time_zone="America/New_York",
                overbook_reason="many",
            )
            for n in range(299)
        )
    assert len(desk.board().rows) == 300
    assert queries_of(desk) == BOARD_QUERIES


def test_one_column_takes_a_fixed_number_of_queries_in_all(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9))
    client = Client()
    client.force_login(desk.dana.user)
    address = f"/p/harbor-street/today/?d={DAY}&fragment=column&who={desk.osei.pk}&from=480&to=1020"
    headers = {"HX-Request": "true", "X-Live": "1"}
    client.get(address, headers=headers)
    with CaptureQueriesContext(connection) as seen:
        client.get(address, headers=headers)
    asked = [each["sql"] for each in seen]
    # The test's own transaction around the gate's makes savepoints of it, and sets the practice twice.
    rows = [sql for sql in asked if "SAVEPOINT" not in sql and "set_config" not in sql]
    assert len(rows) == COLUMN_QUERIES


def queries_of(desk: Desk) -> int:
    with (
        inside(desk.practice),
        CaptureQueriesContext(
            connection,
        ) as seen,
    ):
        day_board(desk.practice, DAY)
    return len(seen)


def page(desk: Desk, query: str, view: str = "today") -> Any:
    client = Client()
    client.force_login(desk.dana.user)
    return client.get(f"/p/harbor-street/{view}/?{query}")


def test_the_page_reads_dates_in_words_and_says_what_it_cannot_read(desk: Desk) -> None:
    tomorrow = desk.practice.today() + dt.timedelta(days=1)
    assert f"{tomorrow:%B} {tomorrow.day}" in page(desk, "d=tomorrow").content.decode()
    answer = page(desk, "d=someday")
    assert answer.status_code == 200
    assert "This is today." in answer.content.decode()
    assert "too far away" in page(desk, "d=9999-12-31").content.decode()


def test_the_page_records_who_was_shown(desk: Desk) -> None:
    visit = desk.visit("Marisol Vega", desk.osei, desk.at(9))
    assert "Marisol Vega" in page(desk, f"d={DAY}").content.decode()
    with inside(desk.practice):
        event = AccessEvent.objects.get(screen="board")
    assert event.patient_ids == [visit.patient_id]


def test_the_page_records_who_stands_beside_the_board_too(desk: Desk) -> None:
    visit = desk.visit("Marisol Vega", desk.osei, desk.at(9))
    task = {"kind": Task.Kind.CALL, "due_at": desk.at(9), "once_key": "call"}
    with inside(desk.practice):
        open_task(**task, patient=visit.patient, by=SYSTEM)
    page(desk, "d=2026-06-10")
    with inside(desk.practice):
        assert AccessEvent.objects.get(screen="queue").patient_ids == [visit.patient_id]


@pytest.mark.parametrize("ends", ["from=-9999999999999&to=9999999999999", "from=600&to=540", "from=²&to="])
def test_columns_of_a_senseless_window_are_answered_with_the_board(desk: Desk, ends: str) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9))
    answer = page(desk, f"d={DAY}&fragment=column&who={desk.osei.pk}&{ends}")
    assert answer.status_code == 200
    assert "X-Live-Parts" not in answer


def test_a_fragment_holds_the_board_and_the_legend_only(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9))
    text = page(desk, f"d={DAY}&fragment=board").content.decode()
    assert "<html" not in text
    assert 'hx-swap-oob="true"' in text
    assert "Marisol Vega" in text
    assert "style=" not in text


def test_the_list_has_every_visit_by_time(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.lind, desk.at(9))
    desk.visit("Owen Park", desk.osei, desk.at(8))
    desk.visit("Gone Person", desk.osei, desk.at(10), status="cancelled")
    text = page(desk, f"d={DAY}", "list").content.decode()
    assert text.index("Owen Park") < text.index("Marisol Vega") < text.index("Gone Person")


def column(desk: Desk, who: Practitioner, *, to: int = 17 * 60, day: dt.date = DAY) -> Any:
    return page(desk, f"d={day}&fragment=column&who={who.pk}&from=480&to={to}")


def test_one_column_comes_alone_with_the_counts_of_the_whole_day(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9))
    desk.visit("Owen Park", desk.lind, desk.at(9), confirmation="confirmed")
    answer = column(desk, desk.osei)
    text = answer.content.decode()
    assert answer.headers["X-Live-Parts"] == "1"
    assert f'id="column-{desk.osei.pk}"' in text
    assert f'id="column-{desk.lind.pk}"' not in text
    assert "Marisol Vega" in text
    assert "Owen Park" not in text
    assert text.count('hx-swap-oob="true"') == 2
    assert 'title="Confirmed"' in text
    assert text.count("<b>1</b>") == 2
    with inside(desk.practice):
        assert len(AccessEvent.objects.get(screen="board").patient_ids) == 1


def test_a_column_stands_as_it_does_on_the_whole_board(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9))
    desk.visit("Early Bird", desk.lind, desk.at(6))
    alone = desk.board(who=[desk.osei.pk], window=desk.board().window)
    assert [c.drawn() for c in alone.columns] == [desk.board().columns[0].drawn()]


def test_a_column_without_its_place_brings_the_whole_board(desk: Desk) -> None:
    desk.visit("Night Owl", desk.osei, desk.at(19))
    late = column(desk, desk.osei)
    assert "X-Live-Parts" not in late.headers
    assert 'id="board"' in late.content.decode()
    assert "X-Live-Parts" in column(desk, desk.osei, to=20 * 60).headers
    with inside(desk.practice):
        desk.lind.weekly_hours.all().delete()
    assert "X-Live-Parts" not in column(desk, desk.lind).headers


def test_what_a_person_typed_is_text_on_the_board(desk: Desk) -> None:
    desk.visit('<b>Marisol Ve"ga', desk.osei, desk.at(9), 45, note="<script>alert(1)</script>")
    text = page(desk, f"d={DAY}").content.decode()
    assert "&lt;b&gt;Marisol" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert(1)" not in text
    assert "<b>Marisol" not in text
    assert 'Ve"ga' not in text


def test_a_stranger_sees_nothing(desk: Desk) -> None:
    client = Client()
    client.force_login(a_user("stranger@frontdesk.example"))
    assert client.get("/p/harbor-street/today/").status_code == 404


spans = st.tuples(st.integers(0, 1435), st.integers(1, 400)).map(
    lambda pair: Span(pair[0], min(1440, sum(pair)))
)


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6))
def test_subtracting_leaves_exactly_the_minutes_outside_the_cuts(one: list[Span], two: list[Span]) -> None:
    kept = {minute for span in subtract(one, two) for minute in range(*span)}
    wanted = {m for span in one for m in range(*span)} - {m for span in two for m in range(*span)}
    assert kept == wanted


@given(st.lists(spans, max_size=8))
def test_no_two_visits_share_a_lane(drawn: list[Span]) -> None:
    drawn.sort()
    places = lanes(drawn)
    for a, (one, at) in enumerate(zip(drawn, places, strict=True)):
        for other, there in list(zip(drawn, places, strict=True))[a + 1 :]:
            if overlap([one], other):
                assert at[0] == there[0]
                assert at[1] != there[1] or at[1] == MOST_LANES - 1


@given(st.lists(spans, max_size=4), st.lists(spans, max_size=6), st.integers(0, 1440), st.integers(5, 60))
def test_a_visit_fits_at_every_free_place(
    open_: list[Span], taken: list[Span], earliest: int, shortest: int
) -> None:
    places: list[Place] = list(free_places(open_, taken, earliest=earliest, shortest=shortest))
    for place in places:
        assert place.start >= earliest
        assert place.start + shortest <= place.until
        assert subtract([Span(place.start, place.until)], open_) == []
        assert overlap(taken, Span(place.start, place.until)) == []
    assert len({place.start for place in places}) == len(places)


def test_a_span_is_cut_at_midnight() -> None:
    zone = zoneinfo.ZoneInfo("America/New_York")
    eve = dt.datetime(2026, 6, 8, 20, tzinfo=zone)
    assert span_of(eve, eve + dt.timedelta(hours=14), DAY) == Span(0, 600)
    assert span_of(eve, eve + dt.timedelta(hours=4), DAY) is None
