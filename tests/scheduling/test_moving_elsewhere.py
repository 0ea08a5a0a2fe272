"""Moving to another day, clinician or place without dragging: the dialog's own filters."""

from practices.models import Location
from practices.tenancy import inside
from tests.scheduling.conftest import at
from tests.scheduling.test_pages import HTMX, booked, desk, slot
from tests.scheduling.test_series_pages import words

__all__ = ["desk"]


def dialog(desk, visit, query=""):
    return desk.client.get(desk.url("appointment-move", visit.pk) + query, **HTMX)


def test_another_day_shows_times_of_all_its_hours(desk):
    visit = booked(desk)
    page = dialog(desk, visit, "?half=2026-12-03.day")
    shown = page.content.decode()
    assert shown.count("Thu, Dec 3, ") == 9
    assert "AM" in shown.split('id="book-slots"')[1].split("heat")[0]
    assert "4:" in shown or "3:" in shown


def test_a_day_that_is_none_is_as_if_nothing_was_chosen(desk):
    visit = booked(desk)
    for day in ("nonsense", "2999-01-01.day", "2026-02-31.day"):
        assert dialog(desk, visit, f"?half={day}").status_code == 200


def test_only_times_at_the_chosen_place_are_offered(desk):
    with inside(desk.practice):
        places = [Location.objects.create(practice=desk.practice, name=name) for name in ("Main", "North")]
        for person, place in zip((desk.osei, desk.chen), places, strict=True):
            person.location = place
            person.save()
    visit = booked(desk)
    assert "Any location" in words(dialog(desk, visit))
    at_north = dialog(desk, visit, f"?half=2026-12-03.day&location={places[1].pk}").content.decode()
    offered = at_north.split('id="book-slots"')[1].split('class="heat"')[0]
    assert "Dr. Chen" in offered
    assert "Dr. Osei" not in offered


def test_a_visit_moves_to_another_day_clinician_and_place_in_one_step(desk):
    visit = booked(desk)
    answer = desk.client.post(
        desk.url("appointment-move", visit.pk),
        {"version": 1, "slot": slot(desk, "2026-12-03 14:00", desk.chen)},
        **HTMX,
    )
    assert answer.status_code == 204
    with inside(desk.practice):
        visit.refresh_from_db()
        moved = visit.rescheduled_to.get()
        assert (moved.practitioner_id, moved.starts_at) == (desk.chen.pk, at("2026-12-03 14:00"))
