"""What speaks against a time that somebody asked for, in words: hours, what is taken, rules, needs."""

import datetime as dt
from collections.abc import Iterator

from scheduling.diary import Shift
from scheduling.fits import HOURS, NEED, RULE, TAKEN, Break, Fit, fit_of
from scheduling.models import Practitioner
from scheduling.needs import GENDERS
from scheduling.search import Search, Start
from scheduling.stretches import has, is_clear, merge
from scheduling.wallclock import say_moment, say_time


def judged(known: Search, at: int, place: int = 0) -> Fit:
    """A second with one of a search's people, judged."""
    person, length = known.people[place], known.span.length
    shifts = known.diary.shifts[person.pk]
    within = next((one for one in shifts if one.opens <= at and at + length <= one.closes), None)
    near = within or next((one for one in shifts if one.opens <= at < one.closes), None)
    session = known.sessions.get((person.pk, at))
    breaks = [
        *against_hours(known, at, person),
        *against_rules(known, at, near, person),
        *against_needs(known, at, near, person),
    ]
    if session is None:
        breaks += [*against_taken(known, at, person), *against_means(known, at, near, person)]
    if within is not None and not breaks:
        return fit_of(known, Start(at, place, within, session))
    starts_at = dt.datetime.fromtimestamp(at, dt.UTC)
    room = known.room_for(person, near, at, wanted=known.wants_room(near)) if near else person.room
    ends_at = starts_at + dt.timedelta(seconds=length)
    # Booked all the same it takes what is free.
    chosen = [pool.choose(near.location_id, at) for pool in known.pools] if near else []
    resources = tuple(one for one in chosen if one is not None)
    return Fit(starts_at, ends_at, person, room=room, resources=resources, breaks=tuple(breaks))


def against_hours(known: Search, at: int, person: Practitioner) -> Iterator[Break]:
    """A closure, time off or the hours: one of them is enough."""
    words = closed(known, at) or out(known, at, person) or off_hours(known, at, person)
    if words:
        yield Break(words, HOURS)


def closed(known: Search, at: int) -> str:
    """That the practice is closed on the day."""
    day = dt.datetime.fromtimestamp(at, known.diary.zone).date()
    for closure in known.diary.closures:
        if closure.first_day <= day <= closure.last_day:
            return f"The practice is closed that day: {closure.reason}."
    return ""


def out(known: Search, at: int, person: Practitioner) -> str:
    ends = at + known.span.length
    for out_from, out_until, label in known.diary.out[person.pk]:
        if out_from < ends and out_until > at:
            return f"{person.short_name} is out then: {label}."
    return ""


def off_hours(known: Search, at: int, person: Practitioner) -> str:
    zone = known.diary.zone
    shifts, ends = known.diary.shifts[person.pk], at + known.span.length
    if any(shift.opens <= at and ends <= shift.closes for shift in shifts):
        return ""
    day = dt.datetime.fromtimestamp(at, zone).date()
    if not any(dt.datetime.fromtimestamp(shift.opens, zone).date() == day for shift in shifts):
        return f"{person.short_name} does not work that day."
    if any(shift.opens <= at < shift.closes for shift in shifts):
        return f"The visit would end after {person.short_name}’s hours."
    moment = dt.datetime.fromtimestamp(at, zone)
    return f"{person.short_name} does not see patients on {say_moment(moment, zone)}."


def against_taken(known: Search, at: int, person: Practitioner) -> Iterator[Break]:
    span = known.span
    taken = merge(known.diary.visits[person.pk])
    if is_clear(taken, at - span.before, at + span.length + span.after):
        return
    if is_clear(taken, at, at + span.length):
        yield Break("It leaves too little time beside another visit.", TAKEN)
    else:
        yield Break(f"{person.short_name} has another visit then.", TAKEN)


def against_means(known: Search, at: int, shift: Shift | None, person: Practitioner) -> Iterator[Break]:
    """What a visit takes and cannot have then: a room, a resource, a second clinician."""
    if shift is None:
        return
    step_free = known.wants.step_free
    if known.wants_room(shift) and not has(known.rooms.allowed(shift, step_free=step_free), at):
        without = known.kind.needs_room and not has(known.rooms.allowed(shift, step_free=False), at)
        words = "No room is free then." if without or not step_free else "No step-free room is free then."
        yield Break(words, RULE if without or not step_free else NEED)
    for pool in known.pools:
        if not has(pool.allowed(shift.location_id), at):
            yield Break(f"No {pool.label} is free then.", RULE if pool.by_type else NEED)
    if known.kind.clinicians > 1:
        others = known.colleagues(person)
        if not any(has(known.beside(other, shift), at) for other in others):
            yield Break("No second clinician is free then.", RULE)


def against_rules(known: Search, at: int, shift: Shift | None, person: Practitioner) -> Iterator[Break]:
    """Notice, how far ahead, and time that is kept for other visits."""
    ends = at + known.span.length
    if known.now.timestamp() <= at < known.earliest:
        yield Break(f"{known.kind.name} needs {notice_words(known.kind.minimum_notice)} notice.", RULE)
    if at >= known.latest:
        days = known.kind.maximum_horizon
        yield Break(f"{known.kind.name} is booked at most {days} days ahead.", RULE)
    for kept in known.kept(person, shift.zone if shift else known.diary.zone):
        if not kept.open and kept.stretch[0] < ends and at < kept.stretch[1]:
            yield Break(f"That time is kept: {kept.block.name}{opens_words(kept.block)}.", RULE)


def notice_words(minutes: int) -> str:
    """90 minutes’, 2 hours’, 3 days’."""
    if minutes % 1440 == 0:
        return f"{minutes // 1440} day{'s’' if minutes > 1440 else '’s'}"
    if minutes % 60 == 0:
        return f"{minutes // 60} hour{'s’' if minutes > 60 else '’s'}"
    return f"{minutes} minutes’"


def opens_words(block: object) -> str:
    """When a kept time opens to everybody."""
    days, time = getattr(block, "opens_days_before", None), getattr(block, "opens_at", None)
    if days is None or time is None:
        return ""
    when = "that day" if days == 0 else "the day before" if days == 1 else f"{days} days before"
    return f", open to all from {say_time(time)} {when}"


def against_needs(known: Search, at: int, shift: Shift | None, person: Practitioner) -> Iterator[Break]:
    """What the patient needs and would not have."""
    wants = known.wants
    if wants.step_free and shift is not None and not known.can_reach(shift):
        yield Break("The place cannot be reached without steps.", NEED)
    if not wants.may_see(person):
        yield Break(f"The patient asked for {GENDERS.get(wants.gender, wants.gender)}.", NEED)
    zone = shift.zone if shift else known.diary.zone
    for only in wants.only:
        if not has(known.span.fitting(only.stretches(known.first, known.last, zone)), at):
            yield Break(f"{only.breaks}.", NEED)
