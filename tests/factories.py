"""A cast that everybody knows: two practices, and the people who work and are seen there."""

import datetime as dt
from typing import Any

from django.db import transaction

from patients.models import ContactPoint, Patient
from practices.audit import Actor
from practices.models import Membership, Practice, Role, User
from practices.tenancy import inside
from scheduling.models import (
    AppointmentType,
    AppointmentTypeOffer,
    Practitioner,
    ReminderRule,
    WeeklyHours,
)

PASSWORD = "front-desk-test"
_lines = iter(range(100, 10_000))


def a_practice(slug: str = "harbor-street", **fields: Any) -> Practice:
    values = {
        "name": slug.replace("-", " ").title(),
        "time_zone": "America/New_York",
        "line_number": f"+1503555{next(_lines):04d}",
        "email_sender": f"desk@{slug}.example",
        "street": "410 Harbor Street",
        "city": "Portland",
        "state": "ME",
    }
    days = fields.pop("reminder_days", [2])
    at = fields.pop("reminder_time", dt.time(10))
    with transaction.atomic():  # a worker that looks in between would write down the usual rule
        practice = Practice.objects.create(slug=slug, **(values | fields))
        for number in days:
            a_rule(practice, days_before=number, at=at)
    return practice


def a_rule(practice: Practice, **fields: Any) -> ReminderRule:
    """A reminder rule by text and e-mail; no machine calls anybody unless a test says so."""
    values: dict[str, Any] = {"channels": ["sms", "email"]}
    if "hours_before" not in fields:
        values |= {"days_before": 2, "at": dt.time(10)}
    with inside(practice):
        return ReminderRule.objects.create(practice=practice, **(values | fields))


def a_user(email: str = "dana@frontdesk.example", **fields: Any) -> User:
    given = email.partition("@")[0].title()
    return User.objects.create_user(
        email, PASSWORD, **({"given_name": given, "family_name": "Ruiz"} | fields)
    )


def a_member(
    practice: Practice, user: User | None = None, *roles: str, may_overbook: bool = True
) -> Membership:
    """Somebody who works here; she may squeeze visits in unless a test says otherwise."""
    with inside(practice):
        return Membership.objects.create(
            practice=practice,
            user=user or a_user(),
            roles=list(roles) or [Role.RECEPTIONIST],
            may_overbook=may_overbook,
        )


def an_actor(membership: Membership | None = None, door: str = "page") -> Actor:
    if membership is None:
        return Actor(kind="system", door=door)
    return Actor(kind="staff", door=door, user=membership.user, membership=membership)


def a_patient(practice: Practice, given: str = "Marisol", family: str = "Vega", **fields: Any) -> Patient:
    """A patient as a bare row; `patients.registry` is the way with search words and audit."""
    phone = fields.pop("phone", "")
    values = {"birth_date": dt.date(1986, 3, 14)} | fields
    with inside(practice):
        patient = Patient.objects.create(practice=practice, given=given, family=family, **values)
        if phone:
            ContactPoint.objects.create(practice=practice, patient=patient, system="phone", value=phone)
        return patient


def a_practitioner(practice: Practice, short_name: str = "Dr. Osei", **fields: Any) -> Practitioner:
    """A clinician who works every day of the week from 8 to 12 and from 1 to 5."""
    with inside(practice):
        practitioner = Practitioner.objects.create(
            practice=practice,
            name=short_name,
            short_name=short_name,
            initials=short_name.split()[-1][:2].upper(),
            **fields,
        )
        WeeklyHours.objects.bulk_create(
            WeeklyHours(
                practice=practice, practitioner=practitioner, weekday=day, starts=dt.time(a), ends=dt.time(b)
            )
            for day in range(1, 8)
            for a, b in ((8, 12), (13, 17))
        )
        return practitioner


def a_type(
    practice: Practice, name: str = "Follow-up", minutes: int = 30, practitioners: Any = ()
) -> AppointmentType:
    with inside(practice):
        kind = AppointmentType.objects.create(practice=practice, name=name, minutes=minutes)
        AppointmentTypeOffer.objects.bulk_create(
            AppointmentTypeOffer(practice=practice, appointment_type=kind, practitioner=p)
            for p in practitioners
        )
        return kind
