"""The audit for programs: the same look, ways out and word as on the page."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.test import APIClient

from practices.apikeys import create_api_key
from practices.tenancy import inside
from scheduling.models import Appointment, SettledFinding
from tests.scheduling.conftest import a_diary
from tests.scheduling.test_audit_checks import plant

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(db: None, clock: Any) -> SimpleNamespace:
    made = a_diary()
    with inside(made.practice):
        _, key = create_api_key(user=made.dana.user, by=made.by)
        made.visit = plant(made, minutes=60)
    made.client = APIClient(headers={"Authorization": f"Bearer {key}"})
    made.base = f"/api/v1/p/{made.practice.slug}/audit/"
    made.about = {"check": "wrong_length", "appointment": str(made.visit.pk)}
    return made


def test_a_look_gives_findings_with_words_and_ways_out(api):
    (one,) = api.client.get(api.base).json()["findings"]
    assert (one["check"], one["words"]) == ("wrong_length", "60 min, Follow-up takes 30")
    assert one["repairs"] == ["length"]
    assert one["settled"] == ""
    assert api.client.get(api.base, {"check": "overlaps"}).json()["findings"] == []
    assert api.client.get(api.base, {"from": "2026-11-26", "until": "2026-11-27"}).json()["findings"] == []


@pytest.mark.parametrize(
    "sent",
    [
        {"from": "2026-11-26", "until": "2026-11-25"},
        {"from": "0001-01-01", "until": "9999-12-31"},
        {"from": "9999-12-31"},
        {"from": "soon"},
        {"check": "no-such"},
    ],
)
def test_bad_days_and_checks_are_refused(api, sent):
    assert api.client.get(api.base, sent).status_code == 400


def test_a_repair_is_carried_out_once(api):
    sent = api.about | {"repair": "length", "version": 1}
    answer = api.client.post(f"{api.base}mend/", sent, format="json")
    assert answer.json() == {"words": "The length is set.", "appointment": str(api.visit.pk)}
    with inside(api.practice):
        visit = Appointment.objects.get(pk=api.visit.pk)
        assert visit.ends_at - visit.starts_at == dt.timedelta(minutes=30)
    assert api.client.post(f"{api.base}mend/", sent, format="json").status_code == 409


def test_a_stale_version_and_an_unknown_way_are_refused(api):
    for wrong in ({"repair": "length", "version": 7}, {"repair": "move", "version": 1}):
        assert api.client.post(f"{api.base}mend/", api.about | wrong, format="json").status_code == 409


def test_a_word_settles(api):
    answer = api.client.post(f"{api.base}settle/", api.about | {"word": "Long talk"}, format="json")
    assert answer.json()["settled"] == "Long talk"
    assert api.client.get(api.base).json()["findings"][0]["settled"] == "Long talk"
    with inside(api.practice):
        assert SettledFinding.objects.get().settled_by == api.dana.user
    wrong = api.client.post(f"{api.base}settle/", api.about | {"word": "x" * 41}, format="json")
    assert wrong.status_code == 400
