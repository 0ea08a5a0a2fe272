"""A card dropped on the board asks what the dialog asks: unmet needs, and which visits of several."""

import datetime as dt
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.models import Need
from practices.models import AuditEntry
from practices.tenancy import inside
from scheduling.models import Participant, Resource, ResourceHours
from tests.scheduling.test_belonging_pages import family, standing, weekly
from tests.scheduling.test_fitting_pages import wished
from tests.scheduling.test_pages import HTMX, booked, desk, slot
from tests.scheduling.test_series_pages import words

__all__ = ["desk", "family", "weekly", "wished"]
DROP_QUERIES = 57


@pytest.fixture
def rosa(desk):
    """The patient needs an interpreter; Rosa is here from nine to eleven."""
    with inside(desk.practice):
        desk.patient.needs, desk.patient.language = [Need.INTERPRETER], "es"
        desk.patient.save()
        made = Resource.objects.create(
            practice=desk.practice, kind="interpreter", name="Rosa", languages=["Spanish"]
        )
        for day in range(1, 8):
            ResourceHours.objects.create(
                practice=desk.practice, resource=made, weekday=day, starts=dt.time(9), ends=dt.time(11)
            )
    return made


def drop(desk, visit, when, who=None, *, version=None, headers=HTMX):
    fields = {
        "practitioner": (who or desk.osei).pk,
        "start": when.replace(" ", "T"),
        "version": version or visit.version,
    }
    return desk.client.post(desk.url("appointment-move", visit.pk), fields, **headers)


def interpreters(desk):
    with inside(desk.practice):
        rows = Participant.objects.filter(appointment__status="booked").select_related("resource")
        return [row.resource.name for row in rows]


def test_a_need_that_the_new_time_misses_is_asked_about_and_nothing_moves(wished):
    visit = booked(wished, when="2026-11-26 11:00")
    answer = drop(wished, visit, "2026-11-25 09:00", wished.chen)
    assert answer.status_code == 409
    assert answer.content.decode() == (
        "Not moved yet. Before 10:00 AM. Ask the patient, and tick that it was agreed."
    )
    assert "X-Appointment" not in answer
    assert standing(wished) == ["11-26 11:00 Dr. Osei"]


def test_the_dialog_that_it_opens_has_the_place_chosen_and_moves_once_she_agreed(wished):
    visit = booked(wished, when="2026-11-26 11:00")
    address = drop(wished, visit, "2026-11-25 09:00", wished.chen)["X-Dialog"]
    shown = wished.client.get(address, **HTMX)
    page, wanted = shown.content.decode(), slot(wished, "2026-11-25 09:00", wished.chen)
    assert f'value="{wanted}" checked' in page
    assert f'name="agreed" id="book-agreed" value="{wanted}"' in page
    assert "Before 10:00 AM." in words(shown)
    fields = {"version": visit.version, "slot": wanted, "picked": wanted}
    unsaid = wished.client.post(wished.url("appointment-move", visit.pk), fields, **HTMX)
    assert unsaid.status_code == 422
    answer = wished.client.post(wished.url("appointment-move", visit.pk), fields | {"agreed": wanted}, **HTMX)
    assert answer.status_code == 204
    assert standing(wished) == ["11-25 09:00 Dr. Chen"]
    with inside(wished.practice):
        entry = AuditEntry.objects.get(verb="appointment.rescheduled")
    assert entry.changes["despite"] == ["", ["Before 10:00 AM."]]


def test_without_scripts_the_dialog_is_the_next_page(wished):
    visit = booked(wished, when="2026-11-26 11:00")
    answer = drop(wished, visit, "2026-11-25 09:00", headers={"HTTP_ACCEPT": "text/html"})
    assert answer.status_code == 302
    assert "Before 10:00 AM." in words(wished.client.get(answer["Location"]))
    assert standing(wished) == ["11-26 11:00 Dr. Osei"]


def test_a_need_that_is_missed_already_is_not_asked_about_again(wished):
    visit = booked(wished, when="2026-11-26 09:00")
    assert drop(wished, visit, "2026-11-25 08:30").status_code == 200
    assert standing(wished) == ["11-25 08:30 Dr. Osei"]


def test_an_interpreter_is_not_lost_in_silence(desk, rosa):
    visit = booked(desk, when="2026-11-25 09:00")
    answer = drop(desk, visit, "2026-11-25 14:00")
    assert answer.status_code == 409
    assert "No Spanish interpreter is free then." in answer.content.decode()
    assert (standing(desk), interpreters(desk)) == (["11-25 09:00 Dr. Osei"], ["Rosa"])


def test_the_visit_is_not_in_the_way_of_its_own_interpreter(desk, rosa):
    visit = booked(desk, when="2026-11-25 09:00")
    assert drop(desk, visit, "2026-11-25 09:15").status_code == 200
    assert (standing(desk), interpreters(desk)) == (["11-25 09:15 Dr. Osei"], ["Rosa"])


def test_nor_is_it_in_the_dialog(desk, rosa):
    visit = booked(desk, when="2026-11-25 09:00")
    wanted = slot(desk, "2026-11-25 09:15")
    shown = desk.client.get(f"{desk.url('appointment-move', visit.pk)}?picked={wanted}", **HTMX)
    assert "No Spanish interpreter" not in words(shown)
    fields = {"version": visit.version, "slot": wanted, "picked": wanted}
    answer = desk.client.post(desk.url("appointment-move", visit.pk), fields, **HTMX)
    assert answer.status_code == 204
    assert interpreters(desk) == ["Rosa"]


def test_another_patient_who_has_the_interpreter_is(desk, rosa):
    with inside(desk.practice):
        desk.book("2026-11-25 10:00", practitioner=desk.chen)
    visit = booked(desk, when="2026-11-25 09:00")
    answer = drop(desk, visit, "2026-11-25 10:15")
    assert "No Spanish interpreter is free then." in answer.content.decode()


def test_of_a_series_it_is_asked_which_dates(desk, weekly):
    before = standing(desk)
    answer = drop(desk, weekly[1], "2026-12-08 11:00")
    assert answer.status_code == 409
    assert "choose which of them move" in answer.content.decode()
    assert standing(desk) == before
    shown = words(desk.client.get(answer["X-Dialog"], **HTMX))
    assert "This and the later ones (3)" in shown
    fields = {"version": weekly[1].version, "slot": slot(desk, "2026-12-08 11:00"), "scope": "one"}
    assert desk.client.post(desk.url("appointment-move", weekly[1].pk), fields, **HTMX).status_code == 204
    assert "12-08 11:00 Dr. Osei" in standing(desk)


def test_of_visits_together_it_is_asked_who_comes_along(desk, family):
    before = standing(desk)
    answer = drop(desk, family[0], "2026-12-02 11:00")
    assert (answer.status_code, standing(desk)) == (409, before)
    assert "Together with the others (2)" in words(desk.client.get(answer["X-Dialog"], **HTMX))


def test_what_was_changed_meanwhile_is_said_and_not_asked(wished):
    visit = booked(wished, when="2026-11-26 11:00")
    answer = drop(wished, visit, "2026-11-25 09:00", version=visit.version + 1)
    assert (answer.status_code, "X-Dialog" in answer) == (409, False)
    assert "Somebody changed this visit" in answer.content.decode()


def test_a_time_that_is_over_is_said_and_not_asked_about(desk, weekly):
    answer = drop(desk, weekly[1], "2026-11-24 08:00")
    assert (answer.status_code, "X-Dialog" in answer) == (409, False)
    assert "is over" in answer.content.decode()


def test_a_visit_that_needs_nothing_moves_at_once_for_one_question_more(desk):
    visit = booked(desk, when="2026-11-25 09:00")
    desk.client.get(desk.url("today"))
    with CaptureQueriesContext(connection) as asked:
        answer = drop(desk, visit, "2026-11-25 11:00", desk.chen)
    assert answer.status_code == 200
    assert "queue" in json.loads(answer["HX-Trigger"])["refresh"]
    assert standing(desk) == ["11-25 11:00 Dr. Chen"]
    assert len(asked) == DROP_QUERIES
