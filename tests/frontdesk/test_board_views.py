"""Week, month, list, the choice of columns, what is held or linked, and what goes on paper."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from frontdesk.columns import choice_of
from frontdesk.dayplan import Span
from frontdesk.month import month_of
from frontdesk.today import day_board
from frontdesk.week import Cell, days_of_week, week_board, week_table
from practices.models import AccessEvent, Closure, Location, Room
from practices.tenancy import inside
from scheduling.board_choice import ChoiceRefused, choose_columns
from scheduling.models import Appointment, BoardChoice, Hold, Participant, Practitioner, Resource, TimeOff
from tests.factories import a_patient, a_practitioner, an_actor
from tests.frontdesk.test_today import DAY, Desk

DAY_QUERIES = 10  # with the person's choice and the locations
ROOM_QUERIES = 12
WEEK_TABLE_QUERIES = 6
WEEK_QUERIES = 6
MONTH_QUERIES = 6


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def signed_in(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.dana.user)
    return client


def get(desk: Desk, path: str, **more: Any) -> Any:
    return signed_in(desk).get(f"/p/harbor-street/{path}", **more)


def post(desk: Desk, path: str, data: dict[str, Any]) -> Any:
    return signed_in(desk).post(f"/p/harbor-street/{path}", data)


def many_visits(desk: Desk, count: int) -> None:
    patient = a_patient(desk.practice, "Owen", "Park")
    with inside(desk.practice):
        Appointment.objects.bulk_create(
            Appointment(
                practice=desk.practice, patient=patient, practitioner=(desk.osei, desk.lind)[n % 2],
                appointment_type=desk.kind, starts_at=desk.at(8) + dt.timedelta(minutes=n),
                ends_at=desk.at(8) + dt.timedelta(minutes=n + 50), local_date=DAY, local_time=dt.time(8),
                time_zone="America/New_York", overbook_reason="many",
            )
            for n in range(count)
        )  # fmt: skip


def queries(desk: Desk, run: Any) -> int:
    with inside(desk.practice), CaptureQueriesContext(connection) as seen:
        run()
    return len(seen)


def a_hold(desk: Desk, who: Practitioner, start: dt.datetime, minutes: int = 5, label: str = "Dana") -> Hold:
    with inside(desk.practice):
        return Hold.objects.create(
            practice=desk.practice, practitioner=who, appointment_type=desk.kind, starts_at=start,
            ends_at=start + dt.timedelta(minutes=30), key=str(uuid.uuid4()), label=label,
            expires_at=timezone.now() + dt.timedelta(minutes=minutes),
        )  # fmt: skip


def choose(desk: Desk, *order: Any, shown: list[Any] | None = None, **more: Any) -> None:
    with inside(desk.practice):
        keys = [one.pk for one in order]
        wanted = keys if shown is None else [one.pk for one in shown]
        choose_columns(order=keys, shown=wanted, by=an_actor(desk.dana), **more)


def chosen_board(desk: Desk, at: str = "", **more: Any) -> Any:
    with inside(desk.practice):
        return day_board(desk.practice, DAY, choice=choice_of(desk.dana.user, at), **more)


def test_columns_stand_in_the_chosen_order_and_hidden_ones_are_said(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9))
    desk.visit("Owen Park", desk.lind, desk.at(9))
    choose(desk, desk.lind, desk.osei)
    assert [column.name for column in chosen_board(desk).columns] == ["Dr. Lindqvist", "Dr. Osei"]
    choose(desk, desk.lind, desk.osei, shown=[desk.lind])
    board = chosen_board(desk)
    assert [column.name for column in board.columns] == ["Dr. Lindqvist"]
    assert [card.name for card in board.rows] == ["Owen Park"]
    assert (board.unseen_columns, board.unseen_visits, board.in_parts) == (1, 1, False)
    text = get(desk, f"today/?d={DAY}").content.decode()
    assert "1 visit in columns you do not see" in text
    assert "Marisol Vega" not in text


def test_who_comes_later_shows_behind_the_chosen_ones(desk: Desk) -> None:
    choose(desk, desk.lind, desk.osei, shown=[desk.lind])
    a_practitioner(desk.practice, "Dr. New", position=0)
    assert [column.name for column in chosen_board(desk).columns] == ["Dr. Lindqvist", "Dr. New"]


def test_a_choice_is_of_one_person(desk: Desk) -> None:
    choose(desk, desk.lind, desk.osei, shown=[desk.lind])
    assert [column.name for column in desk.board().columns] == ["Dr. Osei", "Dr. Lindqvist"]


def test_at_least_one_column_is_kept_and_strange_keys_are_nobodys(desk: Desk) -> None:
    with pytest.raises(ChoiceRefused, match="at least one"):
        choose(desk, desk.lind, desk.osei, shown=[])
    answer = post(desk, "columns/", {"order": [str(desk.lind.pk)], "show": ["nonsense", str(uuid.uuid4())]})
    assert answer.status_code == 422
    assert "Keep at least one column." in answer.content.decode()
    with inside(desk.practice):
        assert not BoardChoice.objects.exists()
        with pytest.raises(ChoiceRefused, match="too many"):
            choose_columns(order=[uuid.uuid4()] * 201, shown=[], by=an_actor(desk.dana))


def test_the_dialog_orders_and_hides_without_a_script(desk: Desk) -> None:
    keys = [str(desk.osei.pk), str(desk.lind.pk)]
    text = get(desk, "columns/?view=week&d=2026-06-09").content.decode()
    assert text.index(keys[0]) < text.index(keys[1])
    moved = post(desk, "columns/", {"order": keys, "show": keys, "move": f"down:{keys[0]}"}).content.decode()
    assert moved.index(keys[1]) < moved.index(keys[0])
    with inside(desk.practice):
        assert not BoardChoice.objects.exists()  # nothing is kept before Save
    sent = {"order": keys[::-1], "show": keys[1:], "view": "week", "d": "2026-06-09"}
    answer = post(desk, "columns/", sent)
    assert answer.headers["Location"] == "/p/harbor-street/week/?d=2026-06-09"
    with inside(desk.practice):
        choice = BoardChoice.objects.get()
    assert (choice.order[0], choice.hidden) == (desk.lind.pk, [desk.osei.pk])
    post(desk, "columns/", {"forget": "1"})
    with inside(desk.practice):
        assert not BoardChoice.objects.exists()


def test_where_one_came_from_is_never_an_address_of_somebody_else(desk: Desk) -> None:
    keys = [str(desk.osei.pk)]
    sent = {"order": keys, "show": keys, "view": "https://evil.example/", "d": "//evil.example"}
    assert post(desk, "columns/", sent).headers["Location"] == "/p/harbor-street/today/"


def two_places(desk: Desk) -> tuple[Location, Location]:
    with inside(desk.practice):
        harbor = Location.objects.create(practice=desk.practice, name="Harbor")
        hill = Location.objects.create(practice=desk.practice, name="Hill")
        Practitioner.objects.filter(pk=desk.osei.pk).update(location=hill)
        Practitioner.objects.filter(pk=desk.lind.pk).update(location=harbor)
    return harbor, hill


def test_a_location_shows_its_columns_only_and_stays_in_every_link(desk: Desk) -> None:
    _, hill = two_places(desk)
    assert [column.name for column in chosen_board(desk, str(hill.pk)).columns] == ["Dr. Osei"]
    text = get(desk, f"today/?d={DAY}&at={hill.pk}").content.decode()
    for view in ("week", "month", "list"):
        assert f"/p/harbor-street/{view}/?d={DAY}&amp;at={hill.pk}" in text
    assert 'id="head-' + str(desk.lind.pk) not in text
    strange = get(desk, f"today/?d={DAY}&at=nonsense").content.decode()
    assert f'/p/harbor-street/week/?d={DAY}"' in strange


def test_a_kept_location_can_be_left_for_now_and_columns_stand_by_location(desk: Desk) -> None:
    harbor, hill = two_places(desk)
    choose(desk, desk.osei, desk.lind, location=hill.pk)
    assert [column.name for column in chosen_board(desk).columns] == ["Dr. Osei"]
    assert len(chosen_board(desk, "all").columns) == 2
    choose(desk, desk.osei, desk.lind, by_location=True)
    board = chosen_board(desk)
    assert [column.name for column in board.columns] == ["Dr. Lindqvist", "Dr. Osei"]
    assert board.groups == [(harbor.pk, 1), (hill.pk, 1)]
    assert "Harbor" in get(desk, f"today/?d={DAY}").content.decode()


def test_a_held_time_is_drawn_with_its_holder_and_offers_nothing(desk: Desk) -> None:
    a_hold(desk, desk.osei, desk.at(9), label="Jo <b>")
    a_hold(desk, desk.osei, desk.at(11), minutes=-1, label="Gone")
    column = desk.board().columns[0]
    assert [(held.who, held.css) for held in column.held] == [("Jo <b>", "ap held s-12 d-6")]
    assert not [item for item in column.items if item.free and 540 <= item.span.start < 570]
    text = get(desk, f"today/?d={DAY}").content.decode()
    assert "Held by Jo &lt;b&gt;" in text
    assert "Gone" not in text


def test_a_room_is_a_column_of_linked_visits_that_nothing_can_be_booked_into(desk: Desk) -> None:
    with inside(desk.practice):
        place = Location.objects.create(practice=desk.practice, name="Harbor")
        room = Room.objects.create(practice=desk.practice, location=place, name="Room 9")
    visit = desk.visit("Marisol Vega", desk.osei, desk.at(9), room=room)
    choose(desk, room, desk.osei, desk.lind)
    board = chosen_board(desk)
    assert [column.name for column in board.columns] == ["Room 9", "Dr. Osei", "Dr. Lindqvist"]
    (linked,) = board.columns[0].items
    assert linked.card.id == visit.pk
    assert board.in_parts is False
    text = get(desk, f"today/?d={DAY}").content.decode()
    assert f'data-for="{visit.pk}"' in text
    assert f'id="column-{room.pk}" role="group" aria-labelledby="head-{room.pk}" data-name' in text


def test_who_takes_part_has_the_visit_in_her_column_too(desk: Desk) -> None:
    visit = desk.visit("Marisol Vega", desk.osei, desk.at(9))
    with inside(desk.practice):
        Participant.objects.create(practice=desk.practice, appointment=visit, practitioner=desk.lind)
    board = desk.board()
    assert [one.card.name for one in board.columns[1].linked] == ["Marisol Vega"]
    assert not [i for i in board.columns[1].items if i.free and 540 <= i.span.start < 570]
    answer = get(desk, f"today/?d={DAY}&fragment=column&who={desk.osei.pk}&from=480&to=1020")
    assert "X-Live-Parts" not in answer.headers  # the other column changes with it


def test_an_interpreter_is_a_column_and_hours_elsewhere_move_a_clinician(desk: Desk) -> None:
    harbor, hill = two_places(desk)
    visit = desk.visit("Marisol Vega", desk.osei, desk.at(9))
    with inside(desk.practice):
        speaker = Resource.objects.create(practice=desk.practice, kind="interpreter", name="Ana (Spanish)")
        Participant.objects.create(practice=desk.practice, appointment=visit, resource=speaker)
        desk.osei.weekly_hours.filter(weekday=2, starts__lt=dt.time(12)).update(location=harbor)
    choose(desk, speaker, desk.osei, desk.lind)
    board = chosen_board(desk)
    assert [one.card.name for one in board.columns[0].linked] == ["Marisol Vega"]
    here = {column.name: column.open for column in chosen_board(desk, str(harbor.pk)).columns}
    assert here["Dr. Osei"] == [Span(480, 720)]
    there = {column.name: column.open for column in chosen_board(desk, str(hill.pk)).columns}
    assert there["Dr. Osei"] == [Span(780, 1020)]


def test_hours_on_another_clock_are_drawn_on_the_practices_own(desk: Desk) -> None:
    with inside(desk.practice):
        west = Location.objects.create(practice=desk.practice, name="West", time_zone="America/Chicago")
        desk.osei.weekly_hours.update(location=west)
    assert desk.board().columns[0].open == [Span(540, 780), Span(840, 1080)]


def test_the_old_address_of_the_list_leads_to_the_new_one(desk: Desk) -> None:
    answer = get(desk, f"today/?d={DAY}&view=list&status=book")
    assert answer.headers["Location"] == f"/p/harbor-street/list/?d={DAY}&status=book"


def test_a_week_in_numbers(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9), 60)
    desk.visit("Owen Park", desk.osei, desk.at(10), confirmation="confirmed")
    desk.visit("Gone Person", desk.osei, desk.at(11), status="cancelled")
    with inside(desk.practice):
        TimeOff.objects.create(
            practice=desk.practice, practitioner=desk.lind, label="Training",
            starts_at=desk.at(0), ends_at=desk.at(23, 59),
        )  # fmt: skip
        osei, lind = week_table(desk.practice, days_of_week(DAY), choice_of(desk.dana.user))
    tuesday = osei.cells[1]
    assert (tuesday.visits, tuesday.unconfirmed, tuesday.open, tuesday.taken) == (2, 1, 480, 90)
    assert tuesday.words == "2 visits, 1 to confirm, 6 h 30 min free"
    assert (lind.cells[1].out, lind.cells[1].free) == ("Training", 0)
    assert Cell(DAY).words == "nobody works"
    text = get(desk, f"week/?d={DAY}").content.decode()
    assert 'aria-label="Dr. Osei, Tuesday, June 9: 2 visits, 1 to confirm, 6 h 30 min free"' in text
    assert "Marisol" not in text.partition('id="side"')[0]


def test_one_clinicians_week_is_a_column_a_day(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9))
    desk.visit("Owen Park", desk.lind, desk.at(9))
    text = get(desk, f"week/?d={DAY}&who={desk.osei.pk}").content.decode()
    assert "Marisol Vega" in text
    assert "Owen Park" not in text
    assert f'data-practitioner="{desk.osei.pk}" data-day="2026-06-09"' in text
    with inside(desk.practice):
        assert AccessEvent.objects.get(screen="week").patient_ids
    assert get(desk, f"week/?who={uuid.uuid4()}").status_code == 200


def test_a_month_says_how_full_each_day_is_and_why_it_is_closed(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9), 240)
    with inside(desk.practice):
        Closure.objects.create(
            practice=desk.practice, first_day=dt.date(2026, 6, 10), last_day=dt.date(2026, 6, 10),
            reason="Harbor Day",
        )  # fmt: skip
        month = month_of(desk.practice, DAY, choice_of(desk.dana.user))
    cells = {cell.day: cell for week in month.weeks for cell in week}
    assert (cells[DAY].visits, cells[DAY].fill) == (1, 2)
    assert cells[dt.date(2026, 6, 10)].words == "Harbor Day"
    text = get(desk, f"month/?d={DAY}").content.decode()
    assert "Harbor Day" in text
    assert "Marisol" not in text
    assert "?d=2026-05-31" in text or "?d=2026-05-01" in text


@pytest.mark.parametrize("view", ["today", "list", "week", "month"])
@pytest.mark.parametrize("query", ["d=9999-12-31", "d=0001-01-01", "d=someday&at=%00", "who=1&at=2", "d=²"])
def test_senseless_addresses_show_today(desk: Desk, view: str, query: str) -> None:
    assert get(desk, f"{view}/?{query}").status_code == 200


@pytest.mark.parametrize("count", [1, 300])
def test_queries_are_the_same_for_one_visit_and_for_three_hundred(desk: Desk, count: int) -> None:
    many_visits(desk, count)
    user, practice, week = desk.dana.user, desk.practice, days_of_week(DAY)
    assert queries(desk, lambda: day_board(practice, DAY, choice=choice_of(user))) == DAY_QUERIES
    with inside(practice):
        choice = choice_of(user)
    assert queries(desk, lambda: week_table(practice, week, choice)) == WEEK_TABLE_QUERIES
    assert queries(desk, lambda: month_of(practice, DAY, choice)) == MONTH_QUERIES
    who = desk.osei.pk
    assert queries(desk, lambda: week_board(practice, week, who, choice, private=False)) == WEEK_QUERIES
    choose(desk, desk.osei, desk.lind)
    assert queries(desk, lambda: day_board(practice, DAY, choice=choice_of(user))) == ROOM_QUERIES


def test_a_day_sheet_has_no_notes_unless_they_are_chosen(desk: Desk) -> None:
    desk.visit("Marisol Vega", desk.osei, desk.at(9), note="Brings scans", needs=["interpreter"])
    desk.visit("Owen Park", desk.lind, desk.at(9))
    text = get(desk, f"day-sheet/?d={DAY}").content.decode()
    assert text.count('<section class="sheet">') == 2
    assert "Interpreter" in text
    assert "Brings scans" not in text
    one = get(desk, f"day-sheet/?d={DAY}&who={desk.osei.pk}&notes=1").content.decode()
    assert one.count('<section class="sheet">') == 1
    assert "Brings scans" in one
    with inside(desk.practice):
        assert AccessEvent.objects.filter(screen="day sheet").count() == 2
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    hidden = get(desk, f"day-sheet/?d={DAY}&notes=1").content.decode()
    assert "Marisol" not in hidden
    assert "Brings scans" not in hidden


def test_a_route_slip_says_where_to_go_and_nothing_of_why(desk: Desk) -> None:
    visit = desk.visit("Marisol Vega", desk.osei, desk.at(9), note="Brings scans", reason="Rash")
    text = get(desk, f"appointments/{visit.pk}/slip/").content.decode()
    assert "Marisol Vega" in text
    assert "Dr. Osei" in text
    assert "Rash" not in text
    assert "Follow-up" not in text
    with inside(desk.practice):
        assert AccessEvent.objects.get(screen="slip").patient_ids == [visit.patient_id]
    assert get(desk, f"appointments/{uuid.uuid4()}/slip/").status_code == 404
