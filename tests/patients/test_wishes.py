"""What visits have to fit: noted with its details, sealed, shown in words, bound in number."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from patients.models import Need, PatientWish
from patients.wishes import InvalidWish, add_wish, words_of
from practices.models import AuditEntry
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor

pytestmark = pytest.mark.django_db
TEN, FOUR = dt.time(10), dt.time(16)


@pytest.fixture
def patient():
    practice = a_practice()
    with inside(practice):
        yield a_patient(practice)


@pytest.mark.parametrize(
    ("kind", "given", "details", "words"),
    [
        ("not-before", {"starts": TEN}, {"starts": "10:00", "weekdays": []}, "Not before 10:00 AM"),
        (
            "not-after",
            {"ends": FOUR, "weekdays": [5, 1]},
            {"ends": "16:00", "weekdays": [1, 5]},
            "Over by 4:00 PM, Mon Fri",
        ),
        (
            "carer",
            {"starts": TEN, "ends": FOUR},
            {"starts": "10:00", "ends": "16:00", "weekdays": []},
            "Carer can come 10:00 AM to 4:00 PM",
        ),
        ("interpreter", {"language": "  Somali "}, {"language": "Somali"}, "Interpreter for Somali"),
        ("longer", {"minutes": 20}, {"minutes": 20}, "Longer by 20 minutes"),
        ("gender", {"gender": "female"}, {"gender": "female"}, "Clinician: a woman"),
    ],
)
def test_a_wish_keeps_only_its_own_details(patient, kind, given, details, words):
    wish = add_wish(patient=patient, kind=kind, **given, by=an_actor())
    wish.refresh_from_db()
    assert (wish.details, words_of(wish)) == (details, words)


@pytest.mark.parametrize(
    ("kind", "given", "field", "words"),
    [
        ("not-before", {}, "starts", "Write the time."),
        ("carer", {"starts": FOUR, "ends": TEN}, "ends", "It ends before it begins."),
        ("transport", {"starts": TEN, "ends": FOUR, "weekdays": [9]}, "weekdays", "Choose days of the week."),
        ("interpreter", {"language": " "}, "language", "Write the language, in at most 30 letters."),
        ("longer", {"minutes": 10_000}, "minutes", "Between 5 and 120 minutes."),
        ("gender", {"gender": "any"}, "gender", "Say whether a woman or a man."),
        ("tea", {}, "kind", "Choose what it is."),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_at_its_field(patient, kind, given, field, words):
    with pytest.raises(InvalidWish) as refused:
        add_wish(patient=patient, kind=kind, **given, by=an_actor())
    assert refused.value.errors == {field: words}
    assert not PatientWish.objects.exists()


def test_details_are_sealed_and_there_is_an_end_to_them(patient):
    add_wish(patient=patient, kind="interpreter", language="Somali", by=an_actor())
    with connection.cursor() as cursor:
        cursor.execute("SELECT details::text FROM patients_patientwish")
        assert "Somali" not in cursor.fetchone()[0]
    patient.refresh_from_db()
    assert patient.needs == [Need.INTERPRETER]
    for _ in range(19):
        add_wish(patient=patient, kind="longer", minutes=5, by=an_actor())
    with pytest.raises(InvalidWish, match="At most 20"):
        add_wish(patient=patient, kind="longer", minutes=5, by=an_actor())


def test_on_the_record_it_is_added_shown_and_taken_away():
    practice = a_practice()
    patient = a_patient(practice)
    desk = Client()
    desk.force_login(a_member(practice, a_user()).user)

    def url(name, *args):
        return reverse(name, args=[practice.slug, *args])

    new = url("patient-wish-new", patient.pk)
    assert desk.get(new).status_code == 200
    assert "Write the time." in desk.post(new, {"kind": "not-before"}).content.decode()
    assert desk.post(new, {"kind": "not-before", "starts": "10:00", "weekdays": ["2"]}).status_code == 303
    page = desk.get(url("patient", patient.pk)).content.decode()
    assert "Not before 10:00 AM, Tue" in page
    with inside(practice):
        wish = PatientWish.objects.get()
    assert desk.post(url("patient-wish-end", wish.pk)).status_code == 303
    assert "Not before" not in desk.get(url("patient", patient.pk)).content.decode()
    with inside(practice):
        verbs = list(AuditEntry.objects.filter(verb__startswith="wish.").values_list("verb", flat=True))
    assert sorted(verbs) == ["wish.added", "wish.ended"]
