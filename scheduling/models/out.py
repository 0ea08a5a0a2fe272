"""A clinician who is out, and the visits whose patients are asked to choose another time."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models import Message
from practices.encryption import EncryptedTextField
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models.appointment import Appointment, CancellationReason
from scheduling.models.roster import Practitioner, TimeOff
from scheduling.models.traces import VisitLink


class OutCaseQuerySet(models.QuerySet["OutCase"]):
    def open(self) -> "OutCaseQuerySet":
        return self.filter(state__in=[OutCase.State.PLANNED, OutCase.State.SENT])


class OutCase(PracticeOwned):
    """A clinician is out for a span, and every visit in it is looked after until none is left over."""

    class State(models.TextChoices):
        PLANNED = "planned", "Being planned"
        SENT = "sent", "Patients were told"
        CLOSED = "closed", "Finished"
        TAKEN_BACK = "taken-back", "Taken back"

    practitioner = PracticeForeignKey(Practitioner, related_name="out_cases")
    time_off = PracticeForeignKey(TimeOff, models.SET_NULL, null=True, related_name="+")
    wrote_time_off = models.BooleanField(default=True)  # taking the case back takes this back, too
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    label = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    opened_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    sent_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar[OutCaseQuerySet] = scoped(OutCaseQuerySet)

    class Meta:
        ordering = ("starts_at",)
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="out_case_in_order"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "practitioner", "starts_at"],
                name="out_cases_open",
                condition=Q(state__in=["planned", "sent"]),
            ),
        ]

    def __str__(self) -> str:
        return f"Out {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in {OutCase.State.PLANNED, OutCase.State.SENT}


class TimeRequestQuerySet(models.QuerySet["TimeRequest"]):
    def live(self) -> "TimeRequestQuerySet":
        """Nothing has come of them yet."""
        return self.filter(state__in=TimeRequest.LIVE)

    def with_people(self) -> "TimeRequestQuerySet":
        return self.select_related(
            "appointment__patient",
            "appointment__practitioner",
            "appointment__appointment_type",
            "appointment__room",
            "chosen__practitioner",
            "message",
            "case",
        )


class TimeRequest(PracticeOwned):
    """That another time is sought for a visit: what the desk plans, what it offered, what came of it.

    States only go forward, in the order of `State`; the last five are ends. Without a `case` it is the link
    that staff sent with “times to choose”. The visit stays until the new one is booked, or it is cancelled.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        ASKED = "asked", "No answer yet"
        TO_CALL = "to-call", "To call"
        WISHES = "wishes", "Wants another time"
        CHOSEN = "chosen", "Chose a time"
        MOVED = "moved", "Moved by the desk"
        KEPT = "kept", "Kept as it is"
        CANCELLED = "cancelled", "Cancelled"
        WITHDRAWN = "withdrawn", "Taken back"

    class Plan(models.TextChoices):
        ASK = "ask", "Text or e-mail a link"
        CALL = "call", "Call instead"
        KEEP = "keep", "Keep as it is"
        CANCEL = "cancel", "Cancel the visit"

    LIVE = (State.PLANNED, State.ASKED, State.TO_CALL, State.WISHES)
    ANSWERED = (State.WISHES, State.CHOSEN)

    case = PracticeForeignKey(OutCase, models.CASCADE, null=True, related_name="requests", db_index=False)
    appointment = PracticeForeignKey(
        Appointment, models.CASCADE, related_name="time_requests", db_index=False
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    plan = models.CharField(max_length=6, choices=Plan.choices, default=Plan.ASK)
    cancellation_reason = models.CharField(
        max_length=10, choices=CancellationReason.choices, default=CancellationReason.PROVIDER_PERSONAL
    )
    keep_reason = models.CharField(max_length=80, blank=True)
    # The times the practice offers: [clinician's key, instant], as text. Nobody else is offered the same.
    offers = models.JSONField(default=list)
    link = PracticeForeignKey(VisitLink, models.SET_NULL, null=True, related_name="time_requests")
    message = PracticeForeignKey(Message, models.SET_NULL, null=True, related_name="+")
    chosen = PracticeForeignKey(Appointment, models.SET_NULL, null=True, related_name="+")
    wishes = EncryptedTextField(blank=True, default="")
    why_call = models.CharField(max_length=60, blank=True)
    asked_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # asked: when it becomes a call
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[TimeRequestQuerySet] = scoped(TimeRequestQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "appointment"],
                condition=Q(state__in=["planned", "asked", "to-call", "wishes"]),
                name="one_live_time_request",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "case"], name="time_requests_of_case"),
            models.Index(fields=["practice", "appointment"], name="time_requests_of_visit"),
            models.Index(fields=["practice", "due_at"], name="time_requests_due", condition=Q(state="asked")),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.pk}"

    @property
    def is_live(self) -> bool:
        return self.state in self.LIVE

    @property
    def takes_part(self) -> bool:
        """Whether the clinician who is out takes part in a colleague's visit; False where it is her own."""
        return self.case is not None and self.case.practitioner_id != self.appointment.practitioner_id

    @property
    def task_key(self) -> str:
        """What its row of “Needs you” is known by."""
        return f"rebook:{self.pk}"

    def may_become(self, state: str) -> bool:
        """Only forward: an end is never left, and nothing becomes what it was before."""
        order: list[Any] = list(TimeRequest.State)
        return self.is_live and order.index(state) > order.index(self.state)

    @property
    def offered(self) -> list[tuple[uuid.UUID, str]]:
        return [(uuid.UUID(person), moment) for person, moment in self.offers]
