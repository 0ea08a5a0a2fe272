"""The demo's days: made once, brought up to date on each later day, left alone on the same one."""

import copy
import datetime as dt
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

from django.utils import timezone

from frontdesk.demo import due, family, names, people, post, standing, talk, team, waiting
from frontdesk.demo.clock import at
from frontdesk.demo.filling import Desk, Plan, book, bring_over, plans
from frontdesk.demo.houses import HARBOR, HOUSES, House, desk_actor, hire, open_house
from frontdesk.demo.lived import MINUTE, live_through
from frontdesk.reviews import start_reviews
from patients.models import Patient
from practices import audit
from practices.audit import Actor
from practices.models import AuditEntry, Practice, User
from practices.tenancy import inside
from scheduling.availability import free_times
from scheduling.booking import cancel_appointment
from scheduling.delays import say_late
from scheduling.models import Appointment, Status, TimeOff
from scheduling.refusals import BookingRefused

SEED = 20260609
PATIENTS = 1000
BY_HAND = 2  # so many days from today on are booked one by one; further ones are brought over
DAY_MADE = "demo.day-made"
BROUGHT = Actor(kind="system", door="demo")
Tell = Callable[[str], None]


def seed(tell: Tell, *, scale: float = 1.0, houses: Sequence[House] = HOUSES) -> bool:
    """Makes or renews the practices; False when this day was made already."""
    users = hire()
    done = [_one(house, users, tell, scale) for house in houses]
    return any(done)


def _one(house: House, users: dict[str, User], tell: Tell, scale: float) -> bool:
    practice = open_house(house, users)
    now = timezone.now().replace(second=0, microsecond=0)
    today = now.astimezone(practice.zone).date()
    with inside(practice):
        if _made(practice, today):
            return False
        rng = random.Random(f"{SEED} {house.slug} {today}")  # noqa: S311 - a story, not a secret
        by = desk_actor(practice, users["dana"])
        tell(f"{house.display_name}: patients")
        patients = _patients(house, now, max(round(PATIENTS * house.share * scale), 12))
        desk = Desk(house, practice, patients, by, rng, now, scale)
        _close_earlier_days(desk)
        standing.settle_in(desk)
        family.know(desk)
        _time_off(desk)
        tell(f"{house.display_name}: diary")
        family.bring_tomorrow(desk)
        visits = _fill(desk)
        tell(f"{house.display_name}: today")
        _today(desk, visits)
        due.rules(desk)
        due.order(desk)
        tell(f"{house.display_name}: conversations")
        talk.speak(desk)
        team.tell(desk)
        waiting.wait(desk)
        audit.record(DAY_MADE, desk.practitioners[0], by=BROUGHT)
    start_reviews(
        practice, timezone.now()
    )  # as the timetable does within a minute: nobody has to wait for it
    return True


def _made(practice: Practice, today: dt.date) -> bool:
    midnight = dt.datetime.combine(today, dt.time(), tzinfo=practice.zone)
    return bool(AuditEntry.objects.filter(verb=DAY_MADE, at__gte=midnight).exists())


def _patients(house: House, now: dt.datetime, count: int) -> list[Patient]:
    """The demo's own patients, registered at the first run; people who were added by hand stay out of it."""
    ours = AuditEntry.objects.filter(verb="patient.registered", door=BROUGHT.door)
    known = list(ours.values_list("subject_id", flat=True))
    if not known:
        rng = random.Random(f"{SEED} {house.slug}")  # noqa: S311
        invented = people.invent(house, count, rng, now.date())
        with at(now - dt.timedelta(days=90)):
            patients = people.register(invented, BROUGHT)
    else:
        stored = Patient.objects.living().in_bulk(known)
        patients = sorted(stored.values(), key=lambda one: (one.sort_name, one.birth_date))
    # Marisol has no visit of her own: she waits to be called. The Ramos children have theirs tomorrow.
    apart = {("Marisol", "Vega"), *((given, "Ramos") for given in people.CHILDREN)}
    return [one for one in patients if (one.given, one.family) not in apart]


def _close_earlier_days(desk: Desk) -> None:
    """Ends what an earlier run left open on days that are over."""
    ours = {patient.pk for patient in desk.patients}
    rows = Appointment.objects.with_people().filter(
        local_date__lt=desk.today, status__in=[Status.BOOKED, Status.ARRIVED]
    )
    left = [visit for visit in rows if visit.patient_id in ours]
    for day in sorted({visit.local_date for visit in left}):
        visits = [visit for visit in left if visit.local_date == day]
        live_through(desk, visits, desk.instant(day, 23))


def _time_off(desk: Desk) -> None:
    """One clinician of the first practice comes later today."""
    late = next((one for one in desk.practitioners if one.initials == "SM"), None)
    if late is not None:
        TimeOff.objects.create(
            practice=desk.practice,
            practitioner=late,
            starts_at=desk.instant(desk.today, 8),
            ends_at=desk.instant(desk.today, 9, 30),
            label="Out until 9:30",
        )


def _fill(desk: Desk) -> list[Appointment]:
    """Books what is missing; returns the visits of today."""
    last = desk.today + dt.timedelta(days=BY_HAND)
    far: list[Plan] = []
    for day, planned in plans(desk).items():
        if not desk.today <= day < last:
            far += planned
            continue
        shortened = next((plan for plan in planned if plan.kind.minutes >= 45), None)
        for plan in planned:
            with at(_asked_at(desk, day)):
                _book(desk, plan, too_short=plan is shortened and day == desk.today)
    bring_over(desk, far)
    return todays(desk)


def _asked_at(desk: Desk, day: dt.date) -> dt.datetime:
    """When a visit was asked for: in office hours, days to weeks before and never just now."""
    before = min(day - dt.timedelta(days=desk.rng.randint(3, 24)), desk.today - dt.timedelta(days=3))
    return desk.instant(before, desk.rng.randint(9, 15), desk.rng.randint(0, 59))


def _book(desk: Desk, plan: Plan, *, too_short: bool = False) -> None:
    if too_short:
        # Booked before the practice gave this kind of visit more time.
        kind = copy.copy(plan.kind)
        kind.minutes = 30
        plan = Plan(plan.patient, plan.practitioner, kind, plan.starts_at, plan.reason)
    book(desk, plan)


def todays(desk: Desk) -> list[Appointment]:
    """The visits of today that take up their time, in an order that does not hang on keys."""
    rows = Appointment.objects.on(desk.today).active().with_people()
    return list(rows.order_by("starts_at", "practitioner__position", "patient__sort_name"))


def _today(desk: Desk, visits: Sequence[Appointment]) -> None:
    """Last night's cancellations, a visit too many, reminders with their answers, then the day so far."""
    _squeeze_in(desk, visits)
    _twice(desk, visits)
    _leave_early(desk)
    _cancel_overnight(desk, todays(desk))
    post.remind(desk)
    post.confirm_some_by_phone(desk, todays(desk))
    post.questions(desk, todays(desk), names.TO_A_PERSON if desk.house is HARBOR else names.A_FEW)
    live_through(desk, todays(desk), desk.now)
    _run_late(desk)


def _run_late(desk: Desk) -> None:
    """The first clinician of the first practice is late, and nobody was told yet."""
    if desk.house is HARBOR:
        with suppress(BookingRefused):  # in the evening nobody is left whom it could concern
            say_late(practitioner=desk.practitioners[0], minutes=18, by=desk.by)


def _ahead(desk: Desk, visits: Sequence[Appointment]) -> list[Appointment]:
    """Open visits well ahead; towards the evening any of today."""
    ahead = [one for one in visits if one.starts_at > desk.now + 60 * MINUTE]
    return ahead or list(visits)


def _squeeze_in(desk: Desk, visits: Sequence[Appointment]) -> None:
    """One visit lies over another, on purpose, with the reason that was given."""
    ahead = _ahead(desk, visits)
    beside = [one for one in ahead if one.practitioner_id == desk.practitioners[1].pk] or ahead
    free = [one for one in desk.patients if one.pk not in {visit.patient_id for visit in visits}]
    if not beside or not free:
        return
    other = beside[0]
    plan = Plan(
        desk.rng.choice(free), other.practitioner, other.appointment_type, other.starts_at, desk.reason()
    )
    with at(desk.instant(desk.today - dt.timedelta(days=1), 16, 40)):
        book(desk, plan, overbook_reason=f"{other.practitioner.short_name} agreed to squeeze in")


def _twice(desk: Desk, visits: Sequence[Appointment]) -> None:
    """Somebody was given two visits on the same day by two people."""
    yesterday = desk.instant(desk.today - dt.timedelta(days=1), 15, 5)
    other = desk.practitioners[-2]
    for visit in _ahead(desk, visits):
        kind = desk.offers[other.pk][-1]
        if visit.practitioner_id == other.pk:
            continue
        with at(yesterday):
            free = free_times(
                appointment_type=kind,
                practitioners=[other],
                from_=visit.ends_at,
                until=desk.instant(desk.today, 18),
                limit=1,
            )
            if free:
                book(desk, Plan(visit.patient, other, kind, free[0].starts_at, desk.reason()))
                return


def _leave_early(desk: Desk) -> None:
    """A clinician leaves at four; whoever was booked after that has to hear of it."""
    leaves = desk.practitioners[2 % len(desk.practitioners)]
    TimeOff.objects.create(
        practice=desk.practice,
        practitioner=leaves,
        starts_at=desk.instant(desk.today, 16, 15),
        ends_at=desk.instant(desk.today, 17),
        label="Leaves at 4:15",
    )


def _cancel_overnight(desk: Desk, visits: Sequence[Appointment]) -> None:
    """Two patients cancelled by their link last night."""
    ahead = [one for one in _ahead(desk, visits) if one.is_open and not one.overbook_reason]
    last_night = desk.instant(desk.today - dt.timedelta(days=1), 21, 40)
    for number, visit in enumerate(desk.rng.sample(ahead, min(2, len(ahead) // 4))):
        with at(last_night + number * 17 * MINUTE):
            cancel_appointment(
                appointment=visit,
                version=visit.version,
                reason="pat-cpp",
                tell_patient=False,
                by=Actor(kind="patient", door="link"),
            )
