"""The schedule audit for programs: the same look, the same ways out, the same word."""

import datetime as dt
import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from practices import audit
from practices.api_shapes import ProblemShape
from practices.apidoors import GatedAPIView
from scheduling.api import refusals
from scheduling.audit.check import Found
from scheduling.audit.checks import BY_NAME
from scheduling.audit.looking import AHEAD, BadRange, look
from scheduling.audit.repairs import find_again, repair, ways_out
from scheduling.audit.settling import LONGEST_WORD, NoWord, settle_finding, settled_of
from scheduling.models import Appointment


class AuditAsked(serializers.Serializer[Any]):
    """The days to look at; without them two weeks from today. At most 92 days, within two years."""

    until = serializers.DateField(required=False, input_formats=["%Y-%m-%d"])
    check = serializers.ChoiceField(sorted(BY_NAME), required=False, help_text="One check alone.")

    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of the language.
        return {
            "from": serializers.DateField(required=False, input_formats=["%Y-%m-%d"]),
            **super().get_fields(),
        }


class FindingShape(serializers.Serializer[Any]):
    """One thing that is wrong; no patient is named, her key is given."""

    key = serializers.CharField()
    check = serializers.ChoiceField(sorted(BY_NAME))
    words = serializers.CharField()
    why = serializers.CharField()
    appointment = serializers.UUIDField()
    other = serializers.UUIDField(allow_null=True)
    patient = serializers.UUIDField()
    repairs = serializers.ListField(child=serializers.CharField(), help_text="What `mend` can do about it.")
    settled = serializers.CharField(help_text="The word that was said of it; empty while it is open.")


class FindingsShape(serializers.Serializer[Any]):
    findings = FindingShape(many=True)


class AboutFinding(serializers.Serializer[Any]):
    """Which finding: its check and its visit."""

    check = serializers.ChoiceField(sorted(BY_NAME))
    appointment = serializers.UUIDField()


class SettleAsked(AboutFinding):
    word = serializers.CharField(max_length=LONGEST_WORD)


class MendAsked(AboutFinding):
    repair = serializers.CharField(max_length=20)
    version = serializers.IntegerField(help_text="Of the visit, as it was seen.")


class MendedShape(serializers.Serializer[Any]):
    """What was done, and the visit that stands now."""

    words = serializers.CharField()
    appointment = serializers.UUIDField()


def shape_of(found: Found, word: str) -> dict[str, Any]:
    repairs = [one.name for one in ways_out(found) if one.do]
    return {
        "key": found.key, "check": found.check, "words": found.detail, "why": BY_NAME[found.check].why,
        "appointment": found.visit, "other": found.other, "patient": found.patient_id,
        "repairs": repairs, "settled": word,
    }  # fmt: skip


def visit_of(key: uuid.UUID) -> Appointment:
    return get_object_or_404(Appointment.objects.with_people(), pk=key)


class Audit(GatedAPIView):
    """What is wrong in the diary."""

    permissions = {"get": "audit-schedule.view"}

    @extend_schema(parameters=[AuditAsked], responses={200: FindingsShape, 400: ProblemShape})
    def get(self, request: Request) -> Response:
        """What the checks find between two days."""
        asked = AuditAsked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        first = said.get("from") or self.admission.practice.today()
        last = said.get("until") or first + dt.timedelta(days=min(AHEAD, (dt.date.max - first).days))
        checks = [BY_NAME[said["check"]]] if "check" in said else list(BY_NAME.values())
        try:
            found = look(first, last, checks)
        except BadRange as bad:
            raise serializers.ValidationError({bad.field: str(bad)}) from None
        words = settled_of(found)
        audit.record_read(by=self.actor, patients={one.patient_id for one in found}, screen="audit")
        rows = [shape_of(one, words[one.key].word if one.key in words else "") for one in found]
        return Response(FindingsShape({"findings": rows}).data)


class Settle(GatedAPIView):
    """A word for a finding that is right as it is."""

    permissions = {"post": "audit-schedule.change"}

    @extend_schema(request=SettleAsked, responses={200: FindingShape, 400: ProblemShape, 409: ProblemShape})
    def post(self, request: Request) -> Response:
        """Keeps the word; it counts while the finding says the same."""
        asked = SettleAsked(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        try:
            with refusals():
                found = find_again(BY_NAME[said["check"]], visit_of(said["appointment"]))
            row = settle_finding(found=found, word=said["word"], by=self.actor)
        except NoWord as wrong:
            raise serializers.ValidationError({"word": str(wrong)}) from None
        return Response(FindingShape(shape_of(found, row.word)).data)


class Mend(GatedAPIView):
    """The one-click ways out."""

    permissions = {"post": "appointment.change"}

    @extend_schema(request=MendAsked, responses={200: MendedShape, 400: ProblemShape, 409: ProblemShape})
    def post(self, request: Request) -> Response:
        """Carries one of the finding's `repairs`; 409 where it is not so any more or cannot be done."""
        asked = MendAsked(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        with refusals():
            words, visit = repair(
                check=BY_NAME[said["check"]],
                visit=visit_of(said["appointment"]),
                name=said["repair"],
                version=said["version"],
                by=self.actor,
            )
        return Response(MendedShape({"words": words, "appointment": visit.pk}).data)
