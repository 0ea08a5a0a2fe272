"""What was done and seen, and the keys of programs."""

import hashlib
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from practices.encryption import EncryptedJSONField
from practices.models.people import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class AuditEntry(PracticeOwned):
    """One thing somebody did. Append-only (SECURITY.md G1, G2); see `practices.audit`."""

    at = models.DateTimeField(default=timezone.now)
    verb = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    door = models.CharField(max_length=20)
    request_id = models.CharField(max_length=40, blank=True)
    subject_type = models.CharField(max_length=60)
    subject_id = models.UUIDField()
    patient_id = models.UUIDField(null=True)
    field_names = ArrayField(models.CharField(max_length=60), default=list)
    changes = EncryptedJSONField(null=True)

    objects: ClassVar["models.QuerySet[AuditEntry]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient_id", "-at"], name="audit_by_patient"),
            models.Index(fields=["practice", "-at"], name="audit_by_time"),
            models.Index(fields=["practice", "subject_id", "-at"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} at {self.at}"


class AccessEvent(PracticeOwned):
    """Patients that were shown to somebody on one screen, in one row. Append-only."""

    at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=10)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    door = models.CharField(max_length=20)
    screen = models.CharField(max_length=30)
    request_id = models.CharField(max_length=40, blank=True)
    patient_ids = ArrayField(models.UUIDField())

    objects: ClassVar["models.QuerySet[AccessEvent]"] = scoped(models.QuerySet)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "-at"], name="access_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.screen} at {self.at}"


class ApiKey(PracticeOwned):
    """A program's key to one practice, acting as a person. Only its hash is stored."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=80, blank=True)
    hint = models.CharField(max_length=4)
    key_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_on = models.DateField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects: ClassVar["models.QuerySet[ApiKey]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "key_hash"], name="api_key_hash_once"),
        ]

    def __str__(self) -> str:
        return f"…{self.hint}"

    @staticmethod
    def hash_of(key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()


class IdempotencyKey(PracticeOwned):
    """A request that was answered once, and is answered the same when it comes again."""

    api_key = PracticeForeignKey(ApiKey, models.CASCADE, related_name="+", db_index=False)
    key_hash = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64, help_text="Hash of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    answer = EncryptedJSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar["models.QuerySet[IdempotencyKey]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "api_key", "key_hash"], name="idempotency_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.key_hash[:8]} ({self.status})"
