"""A visit's panel says what it belongs to; moving and cancelling ask about the others in the same dialog."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Message
from practices.models import AccessEvent
from practices.tenancy import inside
from scheduling.drafts import Slot
from scheduling.linked import Part, book_together
from scheduling.models import Appointment, Status
from scheduling.series import book_series, dates_of
from tests.factories import a_patient
from tests.scheduling.conftest import at
from tests.scheduling.test_pages import HTMX, booked, desk, slot, visits
from tests.scheduling.test_series_pages import stand, words

__all__ = ["desk"]
PANEL_QUERIES = 2  # more than for a visit that stands alone


@pytest.fixture
def weekly(desk):
    """Four Tuesdays at nine with Dr. Osei."""
    rule = "FREQ=WEEKLY;COUNT=4"
    with inside(desk.practice):
        dates = [
            Slot(desk.osei, row.starts_at) for row in dates_of(rule, Slot(desk.osei, at("2026-12-01 09:00")))
        ]
        _, made = book_series(
            patient=desk.patient, appointment_type=desk.kind, dates=dates, rule=rule, by=desk.by
        )
    return made


@pytest.fixture
def family(desk):
    """The patient with Dr. Osei and her child with Dr. Chen, both at ten."""
    child = a_patient(desk.practice, "Leo")
    with inside(desk.practice):
        _, made = book_together(
            parts=[Part(desk.patient, desk.kind), Part(child, desk.kind)],
            slots=[Slot(desk.osei, at("2026-12-02 10:00")), Slot(desk.chen, at("2026-12-02 10:00"))],
            shape="side-by-side",
            by=desk.by,
        )
    return made


def standing(desk):
    rows = [visit for visit in visits(desk) if visit.status == Status.BOOKED]
    rows.sort(key=lambda visit: (visit.starts_at, visit.practitioner.short_name))
    return [f"{v.local_date:%m-%d} {v.local_time:%H:%M} {v.practitioner}" for v in rows]


def dialog(desk, name, visit, **given):
    return desk.client.post(desk.url(name, visit.pk), {"version": visit.version, **given}, **HTMX)


def test_the_panel_says_the_place_in_the_series_and_lists_it(desk, weekly):
    page = desk.client.get(desk.url("appointment", weekly[2].pk))
    assert "3 of 4, weekly" in words(page)
    for when in ("Tue, Dec 1, 9:00 AM", "Tue, Dec 22, 9:00 AM"):
        assert when in words(page)


def test_the_panel_says_with_whom_and_that_is_noted(desk, family):
    page = desk.client.get(desk.url("appointment", family[0].pk))
    assert "Together with Leo Vega" in words(page)
    with inside(desk.practice):
        assert set(AccessEvent.objects.latest("at").patient_ids) == {visit.patient_id for visit in family}
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    assert "Leo" not in words(desk.client.get(desk.url("appointment", family[0].pk)))


def test_the_panel_of_a_series_asks_the_same_for_four_and_for_two(desk, weekly):
    alone = booked(desk, starts_at=at("2026-12-03 09:00"))
    counts = []
    for visit in (alone, weekly[0]):
        desk.client.get(desk.url("appointment", visit.pk), **HTMX)
        with CaptureQueriesContext(connection) as asked:
            desk.client.get(desk.url("appointment", visit.pk), **HTMX)
        counts.append(len(asked))
    assert counts[1] - counts[0] == PANEL_QUERIES


def test_a_lone_visit_is_asked_nothing(desk):
    visit = booked(desk)
    for name in ("appointment-move", "appointment-cancel"):
        assert "Which visits?" not in words(desk.client.get(desk.url(name, visit.pk), **HTMX))


def test_cancelling_asks_in_the_same_dialog_and_takes_the_later_ones(desk, weekly):
    shown = words(desk.client.get(desk.url("appointment-cancel", weekly[1].pk), **HTMX))
    assert "This and the later ones (3)" in shown
    assert "All of the series (4)" in shown
    answer = dialog(desk, "appointment-cancel", weekly[1], reason="pat", scope="later")
    assert answer.status_code == 204
    assert standing(desk) == ["12-01 09:00 Dr. Osei"]


def test_one_date_alone_is_cancelled_as_ever(desk, weekly):
    assert dialog(desk, "appointment-cancel", weekly[1], reason="pat", scope="one").status_code == 204
    assert len(standing(desk)) == 3


def test_a_date_that_somebody_changed_keeps_all_from_being_cancelled(desk, weekly):
    with inside(desk.practice):
        Appointment.objects.filter(pk=weekly[3].pk).update(version=5)
    seen = {f"v-{visit.pk}": 1 for visit in weekly}
    answer = dialog(desk, "appointment-cancel", weekly[1], reason="pat", scope="all", **seen)
    assert answer.status_code == 409
    assert "Somebody changed this visit" in words(answer)
    assert len(standing(desk)) == 4


def test_a_scope_that_is_none_is_refused(desk, weekly):
    answer = dialog(desk, "appointment-cancel", weekly[1], reason="pat", scope="everything")
    assert answer.status_code == 409
    assert len(standing(desk)) == 4


def test_moving_the_later_ones_shows_their_dates_first(desk, weekly):
    given = {"slot": slot(desk, "2026-12-08 14:00"), "scope": "later", "tell_patient": "on"}
    sent_on = dialog(desk, "appointment-move", weekly[1], **given)
    assert (sent_on.status_code, sent_on["Location"]) == (
        307,
        desk.url("appointment-move-series", weekly[1].pk),
    )
    shown = dialog(desk, "appointment-move-series", weekly[1], **given)
    assert "now Tue, Dec 15, 9:00 AM" in words(shown)
    assert "Move 3" in words(shown)
    assert len(standing(desk)) == 4
    versions = {f"v{n}": 1 for n in (2, 3, 4)}
    answer = dialog(desk, "appointment-move-series", weekly[1], save="1", **given, **versions)
    assert answer.status_code == 204
    assert standing(desk) == [
        "12-01 09:00 Dr. Osei",
        "12-08 14:00 Dr. Osei",
        "12-15 14:00 Dr. Osei",
        "12-22 14:00 Dr. Osei",
    ]


def test_a_taken_date_of_a_move_is_left_where_it_is_or_goes_elsewhere(desk, weekly):
    booked(desk, starts_at=at("2026-12-15 14:00"))
    given = {"slot": slot(desk, "2026-12-01 14:00"), "scope": "all", "save": "1"}
    versions = {f"v{n}": 1 for n in (1, 2, 3, 4)}
    refused = dialog(desk, "appointment-move-series", weekly[0], **given, **versions)
    assert refused.status_code == 422
    assert "Dr. Osei has another visit then." in words(refused)
    answer = dialog(desk, "appointment-move-series", weekly[0], **given, **versions, to3="skip")
    assert answer.status_code == 204
    assert stand(desk).count("12-15 09:00") == 1
    assert "12-22 14:00 Dr. Osei" in standing(desk)


def test_a_date_changed_meanwhile_comes_back_to_the_dates(desk, weekly):
    given = {"slot": slot(desk, "2026-12-01 14:00"), "scope": "all", "save": "1"}
    with inside(desk.practice):
        Appointment.objects.filter(pk=weekly[2].pk).update(version=2)
    versions = {f"v{n}": 1 for n in (1, 2, 3, 4)}
    answer = dialog(desk, "appointment-move-series", weekly[0], **given, **versions)
    assert answer.status_code == 409
    assert "Somebody changed this visit a moment ago." in words(answer)
    assert standing(desk)[0] == "12-01 09:00 Dr. Osei"


def test_the_family_moves_together_by_the_choice_in_the_dialog(desk, family):
    shown = words(desk.client.get(desk.url("appointment-move", family[0].pk), **HTMX))
    assert "Together with the others (2)" in shown
    given = {"slot": slot(desk, "2026-12-03 11:00"), "scope": "together"}
    assert dialog(desk, "appointment-move", family[0], **given).status_code == 204
    assert standing(desk) == ["12-03 11:00 Dr. Chen", "12-03 11:00 Dr. Osei"]


def test_one_may_move_alone(desk, family):
    given = {"slot": slot(desk, "2026-12-03 11:00"), "scope": "one"}
    assert dialog(desk, "appointment-move", family[0], **given).status_code == 204
    assert standing(desk) == ["12-02 10:00 Dr. Chen", "12-03 11:00 Dr. Osei"]


def test_a_move_together_that_one_cannot_make_offers_what_fits_all(desk, family):
    booked(desk, starts_at=at("2026-12-03 11:00"), practitioner=desk.chen)
    given = {"slot": slot(desk, "2026-12-03 11:00"), "scope": "together"}
    answer = dialog(desk, "appointment-move", family[0], **given)
    assert answer.status_code == 409
    assert "Follow-up with Dr. Chen: Dr. Chen has another visit then. Nothing was changed." in words(answer)
    assert "Thu, Dec 3, 11:30 AM, Dr. Osei" in words(answer)
    assert standing(desk)[:2] == ["12-02 10:00 Dr. Chen", "12-02 10:00 Dr. Osei"]


def test_the_family_is_cancelled_together_and_each_is_told(desk, family):
    with inside(desk.practice):
        Message.objects.update(status="delivered")
    assert dialog(desk, "appointment-cancel", family[0], reason="prov", scope="together").status_code == 204
    assert standing(desk) == []


def test_undo_brings_all_back(desk, weekly):
    dialog(desk, "appointment-cancel", weekly[0], reason="pat", scope="all")
    bar = desk.client.get(desk.url("changes"), **HTMX).content.decode()
    assert "4 visits" in bar
    change = bar.split("/undo/")[0].rsplit("/", 1)[1]
    answer = desk.client.post(desk.url("change-undo", change), **HTMX)
    assert answer.status_code == 200
    assert len(standing(desk)) == 4
