"""Makes the bench's practice and prints what the clients need to know, as JSON. A process of its own.

One practice with 100 thousand patients, a board of five clinicians with eighty visits today, and ten more
clinicians whose next weeks are seven tenths full. Rows come from the product's models, so that seals,
indexes and search words are right, and go in by COPY, which row security allows to a superuser only.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import django
import psycopg

HISTORY = 0.3  # earlier visits for each patient
FULL = 0.7


def copy_rows(models: Iterable[Any]) -> None:
    """Writes unsaved models of one kind by COPY; defaults and `auto_now` as `save` would set them."""
    from django.db import connection

    rows = iter(models)
    first = next(rows, None)
    if first is None:
        return
    fields = first._meta.concrete_fields
    columns = ", ".join(f'"{one.column}"' for one in fields)
    with psycopg.connect(os.environ["BENCH_SUPERUSER_URL"], autocommit=True) as server:
        into = server.cursor().copy(f'COPY "{first._meta.db_table}" ({columns}) FROM STDIN')
        with into as copy:
            for row in (first, *rows):
                copy.write_row([_value(one, row, connection) for one in fields])


def _value(one: Any, row: Any, connection: Any) -> Any:
    value = one.get_db_prep_save(one.pre_save(row, add=True), connection)
    # Psycopg's wrapper of a binary value is for statements; COPY wants the bytes.
    return bytes(value.obj) if hasattr(value, "obj") and isinstance(value.obj, bytes) else value


class World:
    """Everything the bench writes before it measures."""

    def __init__(self, patients: int) -> None:
        from frontdesk.demo.houses import HARBOR, hire, open_house
        from practices.tenancy import inside

        self.rng = random.Random(7)  # noqa: S311 - the same world each time
        self.count = patients
        users = hire()
        self.user = users["dana"]
        self.practice = open_house(HARBOR, users)
        self.facts: dict[str, Any] = {"practice": self.practice.slug, "practice_id": self.practice.pk}
        with inside(self.practice):
            self.people()
        with inside(self.practice):
            self.board()
            self.open_ten()
        with inside(self.practice):
            self.fill_ten()
            self.keys()

    def people(self) -> None:
        """Patients with search words, one mobile number each and consent to texts."""
        from frontdesk.demo import names
        from patients.models import Consent, ContactPoint, MisspelledWord, Patient, PatientWord
        from patients.names import misspellings, searchable_words

        rng, practice = self.rng, self.practice
        parts = ["ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "za", "der", "mont", "stein", "wick"]
        made = ["".join(rng.choices(parts, k=rng.randint(2, 4))).title() for _ in range(6000)]
        families, given = [*names.FAMILIES, *made], [*names.WOMEN, *names.MEN]
        patients = []
        for _ in range(self.count):
            born = dt.date(1930, 1, 1) + dt.timedelta(days=rng.randrange(33_000))
            one = Patient(
                practice=practice, given=rng.choice(given), family=rng.choice(families), birth_date=born
            )
            one.index()
            patients.append(one)
        copy_rows(patients)
        contacts = []
        for number, patient in enumerate(patients):
            phone = f"+1{201 + number // 10_000}555{number % 10_000:04d}"
            point = ContactPoint(practice=practice, patient=patient, system="phone", value=phone)
            point.index()
            contacts.append(point)
        copy_rows(contacts)
        copy_rows(
            Consent(practice=practice, patient=patient, channel="sms", granted=True, how="paper")
            for patient in patients
        )
        words = {(one.pk, word) for one in patients for word in searchable_words(one.given, one.family)}
        copy_rows(PatientWord(practice=practice, patient_id=key, word=word) for key, word in words)
        pairs = {(key, word) for word in {word for _, word in words} for key in misspellings(word)}
        copy_rows(MisspelledWord(practice=practice, key=key, word=word) for key, word in pairs)
        self.patients = patients
        self.phones = [str(one.value) for one in contacts]

    def board(self) -> None:
        """Five clinicians with sixteen half hours each: eighty visits today, of every kind, and a history."""
        from scheduling.models import AppointmentType, Practitioner

        kind = AppointmentType.objects.get(name="Follow-up")
        five = list(Practitioner.objects.select_related("room"))
        today = self.practice.today()
        halves = [(hour, minute) for hour in (8, 9, 10, 11, 13, 14, 15, 16) for minute in (0, 30)]
        stages = ["fulfilled"] * 6 + ["noshow"] + ["arrived"] * 2 + ["booked"] * 7
        visits = [
            self.visit(one, kind, today, hour, minute, status=stage)
            for one in five
            for (hour, minute), stage in zip(halves, stages, strict=True)
        ]
        copy_rows(visits)
        days = int(self.count * HISTORY) // (len(five) * len(halves))
        copy_rows(
            self.visit(one, kind, today - dt.timedelta(days=day), hour, minute, status="fulfilled")
            for day in range(1, days + 1)
            for one in five
            for hour, minute in halves
        )
        self.facts |= {
            "day": today.isoformat(),
            "visit": str(visits[-1].pk),
            "practitioner_ids": [str(one.pk) for one in five],
            "patients": [str(one.pk) for one in self.rng.sample(self.patients, min(3000, self.count))],
        }

    def open_ten(self) -> None:
        """Ten clinicians of a type of their own, from tomorrow on: today's board keeps its five columns."""
        from practices.models import Location, Room
        from scheduling.models import AppointmentType, AppointmentTypeOffer, Practitioner, WeeklyHours

        practice = self.practice
        place = Location.objects.get()
        kind = AppointmentType.objects.create(practice=practice, name="Consultation", minutes=20, position=9)
        ten = []
        for number in range(10):
            room = Room.objects.create(practice=practice, location=place, name=f"Desk {number}")
            one = Practitioner.objects.create(
                practice=practice,
                name=f"Dr. Bench {number}",
                short_name=f"Dr. Bench {number}",
                initials=f"B{number}",
                room=room,
                location=place,
                position=20 + number,
            )
            ten.append(one)
        AppointmentTypeOffer.objects.bulk_create(
            AppointmentTypeOffer(practice=practice, appointment_type=kind, practitioner=one) for one in ten
        )
        tomorrow = practice.today() + dt.timedelta(days=1)
        WeeklyHours.objects.bulk_create(
            WeeklyHours(
                practice=practice,
                practitioner=one,
                weekday=day,
                starts=dt.time(a),
                ends=dt.time(b),
                valid_from=tomorrow,
            )
            for one in ten
            for day in range(1, 8)
            for a, b in ((8, 12), (13, 17))
        )
        self.ten, self.kind = ten, kind

    def fill_ten(self) -> None:
        """Four weeks of theirs, seven tenths full; what is left free is booked by the bench."""
        practice, ten, kind = self.practice, self.ten, self.kind
        taken, free = [], []
        for day in range(1, 29):
            for one in ten:
                for hour in (8, 9, 10, 11, 13, 14, 15, 16):
                    for minute in (0, 20, 40):
                        when = (one, kind, practice.today() + dt.timedelta(days=day), hour, minute)
                        if self.rng.random() < FULL:
                            taken.append(self.visit(*when))
                        else:
                            free.append(when)
        copy_rows(taken)
        self.rng.shuffle(free)
        self.facts |= {
            "kind": str(kind.pk),
            "ten": [str(one.pk) for one in ten],
            "free": [
                [str(one.pk), self.visit(one, kind, day, hour, minute).starts_at.isoformat()]
                for one, kind, day, hour, minute in free
            ],
        }

    def visit(self, who: Any, kind: Any, day: dt.date, hour: int, minute: int, status: str = "booked") -> Any:
        from scheduling.models import Appointment

        zone = self.practice.zone
        local = dt.datetime.combine(day, dt.time(hour, minute), tzinfo=zone)
        starts = local.astimezone(dt.UTC)
        came = status in {"arrived", "fulfilled"}
        return Appointment(
            practice=self.practice,
            patient=self.rng.choice(self.patients),
            practitioner=who,
            appointment_type=kind,
            room=who.room,
            starts_at=starts,
            ends_at=starts + kind.length,
            local_date=day,
            local_time=local.time(),
            time_zone=zone.key,
            status=status,
            confirmation="confirmed" if self.rng.random() < 0.7 else "delivered",
            arrived_at=starts if came else None,
            seen_at=starts if status == "fulfilled" else None,
            left_at=starts + kind.length if status == "fulfilled" else None,
            reason="Blood pressure check",
        )

    def keys(self) -> None:
        """A session of the receptionist, and a key for the API."""
        from django.conf import settings
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        from practices.apikeys import create_api_key
        from practices.audit import SYSTEM

        session = SessionStore()
        session[SESSION_KEY] = str(self.user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = self.user.get_session_auth_hash()
        session.save()
        self.facts["cookie"] = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
        self.facts["api_key"] = create_api_key(user=self.user, name="bench", by=SYSTEM)[1]
        self.facts["searches"] = {
            "by a prefix": [self.word(one)[:5] for one in self.some()],
            "with a typo": [f"{one.given} {self.misspelt(one)}" for one in self.some()],
            "by phone": [phone[2:] for phone in self.rng.sample(self.phones, 200)],
        }

    def some(self) -> Sequence[Any]:
        return self.rng.sample(self.patients, 200)

    def word(self, patient: Any) -> str:
        return max(str(patient.family).replace("’", "").split("-"), key=len)

    def misspelt(self, patient: Any) -> str:
        word = self.word(patient)
        at = self.rng.randrange(1, max(len(word) - 1, 2))
        return word[:at] + word[at + 1 :]


def main() -> int:
    django.setup()
    world = World(int(sys.argv[1]))
    json.dump(world.facts, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
