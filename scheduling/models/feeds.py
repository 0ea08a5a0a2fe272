"""Addresses under which a clinician's own calendar reads her visits."""

import hashlib
import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models.roster import Practitioner


class CalendarFeed(PracticeOwned):
    """A private address of a clinician's visits, stored hashed and shown once; at most one is in use."""

    RANDOM_BYTES = 24

    practitioner = PracticeForeignKey(Practitioner, models.CASCADE, related_name="feeds")
    token_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)  # to the hour: whether anybody uses it
    # How often it was asked within the minute that began at `counted_from`.
    counted_from = models.DateTimeField(null=True)
    counted = models.PositiveIntegerField(default=0)

    objects: ClassVar["models.QuerySet[CalendarFeed]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "token_hash"], name="calendar_feed_once"),
            models.UniqueConstraint(
                fields=["practice", "practitioner"],
                condition=Q(revoked_at=None),
                name="one_calendar_feed_in_use",
            ),
        ]

    def __str__(self) -> str:
        return f"Feed {self.pk}"

    @classmethod
    def new_token(cls, link_code: str) -> str:
        """The practice's public code, then 192 random bits."""
        return link_code + secrets.token_urlsafe(cls.RANDOM_BYTES)

    @staticmethod
    def hash_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()
