"""The API of the patients: search, create, read, update, by the verbs of the pages."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.dates import EARLIEST_YEAR
from patients.models import Channel, Consent, ContactPoint, Need, Patient, Sex
from patients.registry import (
    ConsentGiven,
    ContactGiven,
    InvalidPatient,
    StalePatient,
    register_patient,
    update_patient,
)
from patients.search import LONGEST_TEXT, find_patients
from practices.apidoors import GatedAPIView
from practices.audit import record_read
from practices.models import Language
from practices.problems import Problem
from practices.tenancy import current_practice

WRITTEN_CHANNELS = [(channel.value, channel.label) for channel in (Channel.SMS, Channel.EMAIL)]


class ContactBody(serializers.Serializer[Any]):
    value = serializers.CharField(max_length=254, help_text="A phone in any spelling, or an e-mail address.")
    use = serializers.ChoiceField(ContactPoint.Use.choices, default=ContactPoint.Use.MOBILE.value)
    rank = serializers.IntegerField(min_value=1, max_value=100, default=1, help_text="1 is tried first.")


class ConsentBody(serializers.Serializer[Any]):
    channel = serializers.ChoiceField(WRITTEN_CHANNELS)
    granted = serializers.BooleanField()
    how = serializers.ChoiceField(Consent.How.choices)


class AddressBody(serializers.Serializer[Any]):
    line = serializers.CharField(max_length=120, required=False, allow_blank=True)
    city = serializers.CharField(max_length=120, required=False, allow_blank=True)
    state = serializers.CharField(max_length=120, required=False, allow_blank=True)
    postal_code = serializers.CharField(max_length=120, required=False, allow_blank=True)
    country = serializers.CharField(max_length=120, required=False, allow_blank=True)


class PatientBody(serializers.Serializer[Any]):
    """A patient as it is sent to us."""

    given = serializers.CharField(max_length=200, allow_blank=True)
    family = serializers.CharField(max_length=200, allow_blank=True)
    preferred = serializers.CharField(max_length=200, required=False, allow_blank=True)
    birth_date = serializers.DateField(required=False, allow_null=True, help_text="1900-01-01 to today.")
    sex = serializers.ChoiceField(Sex.choices, required=False)
    pronouns = serializers.CharField(max_length=30, required=False, allow_blank=True)
    language = serializers.ChoiceField(Language.choices, required=False)
    preferred_channel = serializers.ChoiceField(Channel.choices, required=False)
    needs = serializers.ListField(
        child=serializers.ChoiceField(Need.choices), required=False, max_length=len(Need.choices)
    )
    need_note = serializers.CharField(max_length=500, required=False, allow_blank=True)
    know_first = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    address = AddressBody(required=False, allow_null=True)
    phones = ContactBody(many=True, required=False, max_length=10)  # type: ignore[call-arg]
    emails = ContactBody(many=True, required=False, max_length=10)  # type: ignore[call-arg]

    def validate_birth_date(self, value: dt.date | None) -> dt.date | None:
        if value and not EARLIEST_YEAR <= value.year <= current_practice().today().year:
            raise serializers.ValidationError("A birth date lies between 1900-01-01 and today.")
        return value


class NewPatientBody(PatientBody):
    """A new patient; `consents` are what the patient said yes or no to."""

    consents = ConsentBody(many=True, required=False, max_length=10)  # type: ignore[call-arg]


class PatientChange(PatientBody):
    """The fields to change, and the `version` they were read at."""

    version = serializers.IntegerField(min_value=1, max_value=2_147_483_647)
    given = serializers.CharField(max_length=200, required=False, allow_blank=True)
    family = serializers.CharField(max_length=200, required=False, allow_blank=True)


class PatientShown(PatientBody):
    """A patient as it is stored."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    age = serializers.IntegerField(allow_null=True)
    deceased = serializers.BooleanField()
    active = serializers.BooleanField()
    consents = ConsentBody(many=True)


class SearchBody(serializers.Serializer[Any]):
    text = serializers.CharField(
        max_length=LONGEST_TEXT, help_text="Part of a name, a phone, a birth date, or a mixture."
    )
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)


class FoundPatient(serializers.Serializer[Any]):
    why = serializers.CharField(help_text="name, phone, birth date or e-mail")
    score = serializers.FloatField()
    patient = PatientShown()


class SearchAnswer(serializers.Serializer[Any]):
    results = FoundPatient(many=True)


def shown(patient: Patient) -> dict[str, Any]:
    """A patient with prefetched contacts and consents as the API shows it."""
    points = list(patient.contact_points.all())
    latest: dict[str, Consent] = {}
    for consent in sorted(patient.consents.all(), key=lambda row: (row.given_at, row.pk)):
        latest[consent.channel] = consent
    person = {
        name: getattr(patient, name) for name in map(str, PatientBody().fields) if hasattr(patient, name)
    }
    return person | {
        "id": patient.pk,
        "version": patient.version,
        "age": patient.age_on(current_practice().today()),
        "deceased": patient.deceased,
        "active": patient.active,
        "phones": [point for point in points if point.system == ContactPoint.System.PHONE],
        "emails": [point for point in points if point.system == ContactPoint.System.EMAIL],
        "consents": list(latest.values()),
    }


def whole(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    return patients.prefetch_related("contact_points", "consents")


def person_of(body: Mapping[str, Any]) -> dict[str, Any]:
    beside = {"phones", "emails", "consents", "version"}
    return {name: value for name, value in body.items() if name not in beside}


def contacts_of(body: Mapping[str, Any], name: str) -> list[ContactGiven] | None:
    return [ContactGiven(**row) for row in body[name]] if name in body else None


def refused(error: InvalidPatient) -> Problem:
    errors = [{"field": field, "message": message} for field, message in error.errors.items()]
    return Problem(400, "Some fields need another look.", "See errors for each field.", errors=errors)


class PatientSearch(GatedAPIView):
    """Finds patients. By POST, so that what is searched for stands in no address and no log."""

    permissions = {"post": "patient.search"}

    @extend_schema(request=SearchBody, responses=SearchAnswer, operation_id="patients_search")
    def post(self, request: Request) -> Response:
        body = SearchBody(data=request.data)
        body.is_valid(raise_exception=True)
        matches = find_patients(body.validated_data["text"], limit=body.validated_data["limit"])
        people = whole(Patient.objects.filter(pk__in=[match.patient.pk for match in matches])).in_bulk()
        record_read(by=self.actor, patients=people, screen="search")
        results = [
            {"why": match.why, "score": match.score, "patient": shown(people[match.patient.pk])}
            for match in matches
        ]
        return Response(SearchAnswer({"results": results}).data)


class Patients(GatedAPIView):
    """Registers patients."""

    permissions = {"post": "patient.change"}

    @extend_schema(request=NewPatientBody, responses={201: PatientShown}, operation_id="patients_create")
    def post(self, request: Request) -> Response:
        body = NewPatientBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        consents = [ConsentGiven(**row) for row in given.get("consents", ())]
        try:
            patient = register_patient(
                **person_of(given),
                phones=contacts_of(given, "phones") or (),
                emails=contacts_of(given, "emails") or (),
                consents=consents,
                by=self.actor,
            )
        except InvalidPatient as error:
            raise refused(error) from error
        return Response(PatientShown(shown(patient)).data, status=201)


class PatientRecord(GatedAPIView):
    """Reads and changes one patient."""

    permissions = {"get": "patient.view", "patch": "patient.change"}

    @extend_schema(responses=PatientShown, operation_id="patients_read")
    def get(self, request: Request, patient_id: uuid.UUID) -> Response:
        patient = self.patient(patient_id)
        record_read(by=self.actor, patients=[patient.pk], screen="record")
        return Response(PatientShown(shown(patient)).data)

    @extend_schema(request=PatientChange, responses=PatientShown, operation_id="patients_update")
    def patch(self, request: Request, patient_id: uuid.UUID) -> Response:
        patient = self.patient(patient_id)
        body = PatientChange(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        try:
            update_patient(
                patient=patient,
                version=given["version"],
                changes=person_of(given),
                phones=contacts_of(given, "phones"),
                emails=contacts_of(given, "emails"),
                by=self.actor,
            )
        except InvalidPatient as error:
            raise refused(error) from error
        except StalePatient as stale:
            now = stale.current.version
            raise Problem(409, "Changed meanwhile", "Read the patient again.", version=now) from stale
        record_read(by=self.actor, patients=[patient.pk], screen="record")
        return Response(PatientShown(shown(self.patient(patient_id))).data)

    def patient(self, patient_id: uuid.UUID) -> Patient:
        patient = whole(Patient.objects.filter(pk=patient_id)).first()
        if patient is None:
            raise Http404
        return patient
