"""The verbs of a manager: the practice's own facts, its hours, its people."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.module_loading import import_string

from practices import audit, changes
from practices.audit import Actor
from practices.models import Closure, Membership, OfficeHours, Practice, Role, User
from practices.tenancy import current_practice, inside

MOST_CLOSURES = 200


class NotAllowed(ValueError):
    """The practice cannot be left like that; the text says why."""


@dataclass(frozen=True, slots=True)
class Hours:
    """One stretch of a weekday, on the wall clock; Monday is 1."""

    weekday: int
    starts: dt.time
    ends: dt.time


def create_practice(
    *, name: str, slug: str, time_zone: str, line_number: str, email_sender: str, by: Actor
) -> Practice:
    """A new practice, checked as the form would check it; raises ValidationError by field."""
    if time_zone not in zoneinfo.available_timezones():
        words = f"There is no time zone “{time_zone}”. Write it like America/New_York."
        raise ValidationError({"time_zone": words})
    practice = Practice(
        name=name, slug=slug, time_zone=time_zone, line_number=line_number, email_sender=email_sender
    )
    practice.languages = ["en", "es"]
    practice.full_clean(exclude=["monogram"])
    practice.save()
    with inside(practice):
        audit.record("practice.created", practice, by=by)
    return practice


@transaction.atomic
def change_practice(*, values: Mapping[str, Any], visits_keep: str = "moment", by: Actor) -> Practice:
    """Writes what differs of the practice's own facts, and records each with its before and after.

    With another time zone, `visits_keep` says what stays of the visits ahead: the moment, or the clock.
    Raises NotAllowed where that cannot be.
    """
    practice = Practice.objects.select_for_update().get(pk=current_practice().pk)
    different: dict[str, Any] = {}
    for name, value in values.items():
        before = getattr(practice, name)
        if str(before) != str(value):
            different[name] = [plain(before), plain(value)]
            setattr(practice, name, value)
    if different:
        practice.save(update_fields=list(different))
        audit.record("practice.changed", practice, by=by, changes=different)
        changes.announce(practice, "appointments", "queue", "reviews")
    if "time_zone" in different:
        with inside(practice):  # the new clock counts from here on
            for path in settings.CLOCK_FOLLOWERS:
                import_string(path)(before=different["time_zone"][0], keep=visits_keep, by=by)
    return practice


def plain(value: Any) -> Any:
    return value if isinstance(value, (int, bool, list)) or value is None else str(value)


@transaction.atomic
def set_office_hours(*, week: Iterable[Hours], by: Actor) -> None:
    """Replaces the hours in which the phones are answered."""
    practice = current_practice()
    before = [str(row) for row in OfficeHours.objects.all()]
    OfficeHours.objects.all().delete()
    rows = [
        OfficeHours(practice=practice, weekday=span.weekday, opens=span.starts, closes=span.ends)
        for span in week
    ]
    OfficeHours.objects.bulk_create(rows)
    audit.record(
        "practice.hours-changed", practice, by=by, changes={"hours": [before, [str(row) for row in rows]]}
    )
    changes.announce(practice, "appointments")


@transaction.atomic
def add_closure(*, first_day: dt.date, last_day: dt.date, reason: str, by: Actor) -> Closure:
    """Closes the practice on these days, both included; booked visits stay and the reviews will name them."""
    if last_day < first_day:
        raise NotAllowed("The last day comes before the first.")
    if Closure.objects.filter(last_day__gte=current_practice().today()).count() >= MOST_CLOSURES:
        raise NotAllowed(f"At most {MOST_CLOSURES} closures ahead. Remove some, or join days that touch.")
    closure = Closure(practice=current_practice(), first_day=first_day, last_day=last_day, reason=reason)
    closure.save(force_insert=True)
    audit.record("closure.added", closure, by=by)
    changes.announce(current_practice(), "appointments", "reviews")
    return closure


@transaction.atomic
def remove_closure(*, closure: Closure, by: Actor) -> None:
    audit.record("closure.removed", closure, by=by, changes={"first_day": [closure.first_day, None]})
    closure.delete()
    changes.announce(current_practice(), "appointments", "reviews")


@transaction.atomic
def add_member(
    *, email: str, roles: Iterable[str], given_name: str = "", family_name: str = "", by: Actor
) -> tuple[Membership, bool]:
    """Lets a person work here, and whether she is new to Front Desk and has no password yet.

    Somebody who works for another practice keeps her sign-in and her name.
    """
    wanted = checked_roles(roles)
    address = User.objects.normalize_email(email).lower()
    user = User.objects.filter(email__iexact=address).first()
    new = user is None
    if user is None:
        user = User.objects.create_user(address, None, given_name=given_name, family_name=family_name)
    membership = Membership.objects.filter(user=user).first()
    if membership is not None:
        raise NotAllowed("This person works here already. Change the roles in the list.")
    membership = Membership(practice=current_practice(), user=user, roles=wanted)
    membership.save(force_insert=True)
    audit.record("member.added", membership, by=by, changes={"roles": [[], wanted]})
    return membership, new


@transaction.atomic
def change_member(
    *,
    membership: Membership,
    roles: Iterable[str],
    active: bool,
    may_overbook: bool | None = None,
    by: Actor,
) -> Membership:
    """Changes what a person may do here, or ends her work here; the last manager stays."""
    wanted = checked_roles(roles)
    # All managers are locked: two who demote each other at once would leave none.
    managers = list(Membership.objects.active().with_role(Role.MANAGER).select_for_update())
    row = Membership.objects.select_for_update().get(pk=membership.pk)
    stays = active and Role.MANAGER in wanted
    if not stays and [manager.pk for manager in managers] == [row.pk]:
        raise NotAllowed("A practice keeps at least one manager. Make somebody else a manager first.")
    before = [row.roles, row.active, row.may_overbook]
    row.roles, row.active = wanted, active
    row.may_overbook = row.may_overbook if may_overbook is None else may_overbook
    row.save(update_fields=["roles", "active", "may_overbook"])
    audit.record(
        "member.changed",
        row,
        by=by,
        changes={
            "roles": [before[0], wanted],
            "active": [before[1], active],
            "may_overbook": [before[2], row.may_overbook],
        },
    )
    return row


def checked_roles(roles: Iterable[str]) -> list[str]:
    wanted = [role for role in Role.values if role in set(roles)]
    if not wanted:
        raise NotAllowed("Choose at least one role.")
    return wanted
