"""Sealed fields open only for their own row, and say nothing when they do not."""

import base64
import datetime as dt

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from patients.models import ContactPoint, Patient
from practices.encryption import CannotDecrypt, blind_index, key_id_of, parse_keys, seal, unseal
from practices.tenancy import inside
from tests.factories import a_patient, a_practice

OTHER_KEY = "k2:" + base64.b64encode(b"z" * 32).decode()


def stored(column: str, patient: Patient) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM patients_patient WHERE id = %s", [patient.pk])
        return bytes(cursor.fetchone()[0])


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_what_is_sealed_opens_again(plain, associated):
    assert unseal(seal(plain, associated), associated) == plain


@given(st.binary(min_size=1, max_size=60), st.integers(min_value=0))
def test_one_changed_bit_is_noticed(plain, position):
    sealed = bytearray(seal(plain, b"row"))
    at = 4 + position % (len(sealed) - 4)
    sealed[at] ^= 1
    with pytest.raises(CannotDecrypt):
        unseal(bytes(sealed), b"row")


@pytest.mark.django_db
def test_a_birth_date_is_unreadable_in_the_table_and_a_date_in_python():
    practice = a_practice()
    patient = a_patient(practice, birth_date=dt.date(1986, 3, 14))
    with inside(practice):
        assert b"1986" not in stored("birth_date", patient)
        assert Patient.objects.get(pk=patient.pk).birth_date == dt.date(1986, 3, 14)


@pytest.mark.django_db
def test_a_ciphertext_moved_to_another_row_does_not_open():
    practice = a_practice()
    one, other = a_patient(practice, know_first="Deaf in one ear"), a_patient(practice, given="Tom")
    with inside(practice):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE patients_patient SET know_first = %s WHERE id = %s",
                [stored("know_first", one), other.pk],
            )
        with pytest.raises(CannotDecrypt) as caught:
            _ = Patient.objects.get(pk=other.pk).know_first
        assert "Deaf" not in str(caught.value)


@pytest.mark.django_db
def test_a_ciphertext_moved_to_another_column_does_not_open():
    practice = a_practice()
    patient = a_patient(practice, know_first="Deaf in one ear")
    with inside(practice):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE patients_patient SET need_note = know_first WHERE id = %s", [patient.pk])
        with pytest.raises(CannotDecrypt):
            _ = Patient.objects.get(pk=patient.pk).need_note


@pytest.mark.django_db
def test_a_new_key_takes_over_while_the_old_one_still_opens(settings):
    practice = a_practice()
    patient = a_patient(practice, know_first="Deaf in one ear")
    old = settings.FIELD_KEYS
    with override_settings(FIELD_KEYS=f"{OTHER_KEY},{old}"), inside(practice):
        Patient.objects.get(pk=patient.pk).save()  # without having read any of it
        assert key_id_of(stored("know_first", patient)) == "k2"
    with override_settings(FIELD_KEYS=OTHER_KEY), inside(practice):
        assert Patient.objects.get(pk=patient.pk).know_first == "Deaf in one ear"


@pytest.mark.django_db(transaction=True)
def test_resealing_takes_every_row_to_the_new_key(settings, capsys):
    practice = a_practice()
    patients = [a_patient(practice, given, know_first="Deaf in one ear") for given in ("Ana", "Leo")]
    with override_settings(FIELD_KEYS=f"{OTHER_KEY},{settings.FIELD_KEYS}"):
        call_command("reseal")
    assert "2 rows of patient" in capsys.readouterr().out
    with override_settings(FIELD_KEYS=OTHER_KEY), inside(practice):
        for patient in patients:
            assert Patient.objects.get(pk=patient.pk).know_first == "Deaf in one ear"


@pytest.mark.django_db
def test_a_lost_key_is_named_and_nothing_is_returned():
    practice = a_practice()
    patient = a_patient(practice)
    with (
        override_settings(FIELD_KEYS=OTHER_KEY),
        inside(practice),
        pytest.raises(CannotDecrypt, match="not in FIELD_KEYS"),
    ):
        _ = Patient.objects.get(pk=patient.pk).birth_date


@pytest.mark.django_db
def test_an_encrypted_field_can_be_asked_for_nothing_and_no_more():
    practice = a_practice()
    with inside(practice):
        with pytest.raises(FieldError):
            Patient.objects.filter(birth_date=dt.date(1986, 3, 14)).exists()
        assert Patient.objects.filter(birth_date__isnull=False).count() == 0


@pytest.mark.django_db
def test_an_encrypted_field_refuses_a_bulk_update_that_could_not_seal_it():
    practice = a_practice()
    with pytest.raises(FieldError), inside(practice):
        Patient.objects.update(know_first="open")


@pytest.mark.django_db
def test_the_same_phone_has_another_index_in_another_practice():
    harbor, cedar = a_practice("harbor-street"), a_practice("cedar-park")
    a_patient(harbor, phone="+15035550187"), a_patient(cedar, phone="+15035550187")
    with inside(harbor):
        (one,) = ContactPoint.objects.values_list("value_index", flat=True)
        assert one == ContactPoint.index_for(harbor.pk, "phone", "+15035550187")
    with inside(cedar):
        (other,) = ContactPoint.objects.values_list("value_index", flat=True)
    assert one != other


def test_an_index_differs_by_column_and_is_empty_for_nothing():
    assert blind_index(1, "phone", "1") != blind_index(1, "email", "1")
    assert blind_index(1, "phone", "") == ""


@pytest.mark.parametrize("text", ["", "k1", "k1:short", "k1:" + base64.b64encode(b"1" * 16).decode()])
def test_keys_of_the_wrong_form_stop_the_start(text):
    with pytest.raises(ImproperlyConfigured):
        parse_keys(text)
