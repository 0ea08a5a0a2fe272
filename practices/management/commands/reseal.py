"""Seals every value anew with the current key, so that an older one can be taken out of FIELD_KEYS."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import models

from practices.encryption import EncryptedField, Sealed, current_key_id, key_id_of
from practices.models import AccessEvent, AuditEntry, Practice
from practices.tenancy import PracticeOwned, inside

# The running role may not change these, whatever the key: their old keys stay in FIELD_KEYS.
APPEND_ONLY = (AuditEntry, AccessEvent)
BATCH = 500


class Command(BaseCommand):
    help = "Seals values of older keys with the current key. Safe to run while the desk is open, and again."

    def handle(self, *args: Any, **options: Any) -> None:
        for practice in Practice.objects.order_by("pk"):
            for model, fields in sealed_models():
                count = reseal(practice, model, fields)
                if count:
                    self.stdout.write(f"{practice.slug}: {count} rows of {model._meta.verbose_name}")
        self.stdout.write(
            f"All of it is sealed with {current_key_id()}, but for the audit, which only grows."
        )


def sealed_models() -> list[tuple[type[PracticeOwned], list[str]]]:
    """The models with encrypted fields that may change, with the names of these fields."""
    found = []
    for model in apps.get_models():
        names = [field.attname for field in model._meta.local_fields if isinstance(field, EncryptedField)]
        if names and issubclass(model, PracticeOwned) and model not in APPEND_ONLY:
            found.append((model, names))
    return found


def reseal(practice: Practice, model: type[PracticeOwned], fields: list[str]) -> int:
    """Saves the rows that hold a value of another key, in batches of a transaction each; returns how many."""
    changed, last = 0, None
    while True:
        with inside(practice):
            rows = model.objects.order_by("pk").select_for_update()
            batch = list((rows.filter(pk__gt=last) if last else rows)[:BATCH])
            for row in batch:
                if any(is_old(row, name) for name in fields):
                    models.Model.save(row, update_fields=fields)
                    changed += 1
        if len(batch) < BATCH:
            return changed
        last = batch[-1].pk


def is_old(row: PracticeOwned, name: str) -> bool:
    value = row.__dict__.get(name)
    return isinstance(value, Sealed) and key_id_of(value) != current_key_id()
