"""Follow-ups, recall rules, walk-ins and edits for programs."""

import datetime as dt
import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from practices.apikeys import create_api_key
from practices.models import Membership, Role
from practices.tenancy import inside
from scheduling.models import Appointment, FollowUp, RecallRule
from tests.scheduling.conftest import a_diary, a_texted_patient, at

LIST_QUERIES = 9


@pytest.fixture
def api(db: None, clock: Any) -> SimpleNamespace:
    made = a_diary()
    with inside(made.practice):
        _, key = create_api_key(user=made.dana.user, by=made.by)

    def ask(path: str, body: Any = None, method: str = "") -> Any:
        return Client().generic(
            method or ("GET" if body is None else "POST"),
            f"/api/v1/p/{made.practice.slug}/{path}",
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        )

    made.ask = ask
    ask("practitioners/")  # the first use of a key on a day writes that day
    return made


def an_order(api: Any, **more: Any) -> dict[str, Any]:
    values = {
        "patient": str(api.patient.pk),
        "type": str(api.kind.pk),
        "practitioner": str(api.osei.pk),
        "due_on": "2026-12-01",
    }
    return {name: value for name, value in (values | more).items() if value is not None}


def test_from_the_order_to_the_visit(api):
    made = api.ask("follow-ups/", an_order(api, note="Bring films"))
    assert made.status_code == 201
    row = made.json()
    assert (row["group"], row["recall"], row["note"]) == ("due", False, "Bring films")
    asked = api.ask(f"follow-ups/{row['id']}/ask/", {"version": row["version"]})
    assert asked.json()["group"] == "waiting"
    stale = api.ask(f"follow-ups/{row['id']}/ask/", {"version": row["version"]})
    assert stale.status_code == 409
    assert stale.json()["current_follow_up"]["version"] == asked.json()["version"]
    undone = api.ask(f"follow-ups/{row['id']}/undo/", {"version": asked.json()["version"]})
    assert undone.json()["group"] == "due"
    booking = {
        "version": undone.json()["version"],
        "practitioner": str(api.osei.pk),
        "local_time": "2026-12-01T10:00",
    }
    visit = api.ask(f"follow-ups/{row['id']}/book/", booking)
    assert visit.status_code == 201
    assert visit.json()["follow_up"] == row["id"]
    assert api.ask(f"follow-ups/{row['id']}/").json()["group"] == "booked"
    assert api.ask("follow-ups/").json() == []


def test_resting_ending_and_opening_again(api):
    row = api.ask("follow-ups/", an_order(api)).json()
    rests = api.ask(f"follow-ups/{row['id']}/later/", {"version": 1, "until": "2026-12-02"}).json()
    assert rests["wait_until"] == "2026-12-02"
    ended = api.ask(
        f"follow-ups/{row['id']}/end/", {"version": rests["version"], "reason": "declined"}
    ).json()
    assert (ended["group"], ended["closed_as"]) == ("ended", "declined")
    again = api.ask(f"follow-ups/{row['id']}/open/", {"version": ended["version"]}).json()
    assert again["group"] == "due"


def test_a_visit_too_early_counts_by_a_word(api):
    row = api.ask("follow-ups/", an_order(api, due_on="2027-01-05")).json()
    with inside(api.practice):
        visit = api.book("2026-12-01 10:00")
    counted = api.ask(f"follow-ups/{row['id']}/count/", {"version": 1, "appointment": str(visit.pk)}).json()
    assert counted["group"] == "booked"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"due_on": "2026-11-24"}, 422),
        ({"due_on": "9999-12-31"}, 400),
        ({"due_on": "soon"}, 400),
        ({"tolerance_days": 4}, 400),
        ({"patient": None}, 400),
        ({"patient": "00000000-0000-0000-0000-000000000000"}, 404),
        ({"note": "x" * 501}, 400),
    ],
)
def test_orders_that_make_no_sense_are_refused(api, wrong, code):
    answer = api.ask("follow-ups/", an_order(api, **wrong))
    assert answer.status_code == code
    with inside(api.practice):
        assert not FollowUp.objects.exists()


def test_the_list_costs_the_same_for_one_and_for_many(api):
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert api.ask("follow-ups/").status_code == 200
        return len(asked)

    api.ask("follow-ups/", an_order(api))
    assert cost() == LIST_QUERIES
    for number in range(8):
        patient = a_texted_patient(api.practice, f"P{number}", f"+1503555{4000 + number}")
        api.ask("follow-ups/", an_order(api, patient=str(patient.pk)))
    assert cost() == LIST_QUERIES
    assert len(api.ask("follow-ups/?recalls=false").json()) == 9
    assert api.ask("follow-ups/?recalls=true").json() == []


def test_recall_rules_are_a_managers(api):
    rule = {"type": str(api.kind.pk), "months": 12, "weeks_before": 4, "channel": "sms"}
    assert api.ask("recall-rules/", rule).status_code == 403
    with inside(api.practice):
        Membership.objects.filter(pk=api.dana.pk).update(roles=[Role.MANAGER])
    saved = api.ask("recall-rules/", rule)
    assert saved.status_code == 200
    assert api.ask("recall-rules/").json() == [saved.json()]
    assert api.ask("recall-rules/", rule | {"months": 1}).status_code == 422
    assert api.ask("recall-rules/", rule | {"months": 999}).status_code == 400
    assert api.ask(f"recall-rules/{saved.json()['id']}/", method="DELETE").status_code == 204
    with inside(api.practice):
        assert not RecallRule.objects.get().active


def test_a_walk_in_is_arrived_and_beside_others_needs_a_reason(api):
    body = {
        "patient": str(api.patient.pk),
        "practitioner": str(api.osei.pk),
        "type": str(api.kind.pk),
        "starts_at": at("2026-11-24 09:00").isoformat(),
    }
    first = api.ask("walk-ins/", body)
    assert first.status_code == 201
    assert (first.json()["stage"], first.json()["walk_in"]) == ("arrived", True)
    other = body | {"patient": str(a_texted_patient(api.practice, "Owen", "+15035550143").pk)}
    assert api.ask("walk-ins/", other).status_code == 409
    beside = api.ask("walk-ins/", other | {"overbook_reason": "Bleeding"})
    assert (beside.status_code, beside.json()["overbook_reason"]) == (201, "Bleeding")
    tomorrow = {"starts_at": (at("2026-11-24 09:00") + dt.timedelta(days=1)).isoformat()}
    assert api.ask("walk-ins/", body | tomorrow).status_code == 422


def test_an_edit_with_a_stale_version_or_note_answers_409_with_the_visit(api):
    with inside(api.practice):
        visit = api.book(reason="Knee", note="One")
    path = f"appointments/{visit.pk}/edit/"
    changed = api.ask(path, {"version": 1, "reason": "Hip", "needs": ["hearing"]})
    assert (changed.status_code, changed.json()["needs"]) == (200, ["hearing"])
    stale = api.ask(path, {"version": 1, "reason": "Shoulder"})
    assert stale.status_code == 409
    assert stale.json()["current"]["reason"] == "Hip"
    version = stale.json()["current"]["version"]
    assert api.ask(path, {"version": version, "note": "Two"}).status_code == 400
    other = api.ask(path, {"version": version, "note": "Two", "note_was": "Nothing"})
    assert (other.status_code, other.json()["current"]["note"]) == (409, "One")
    assert api.ask(path, {"version": version, "note": "Two", "note_was": "One"}).status_code == 200
    assert api.ask(path, {"version": version + 1, "minutes": 7}).status_code == 422
    with inside(api.practice):
        assert Appointment.objects.get().note == "Two"
