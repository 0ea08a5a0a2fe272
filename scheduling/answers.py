"""What patients' answers do to their visits; and how each automatic reading is taken back by one click.

A reading changes a visit only where it leaves no doubt which visit is meant. Where one phone serves several,
the patient is asked by number; what stays unclear is for a person. Nothing here cancels or moves a visit.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from messaging import asking
from messaging.acting import remember
from messaging.models import Message, Task
from messaging.outbox import queue_message
from messaging.staff_tasks import close_task, in_office_time, open_task
from patients.contacts import practice_name_at
from patients.models import Channel, ContactPoint
from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.booking import confirm_appointment
from scheduling.clocks import zone_of
from scheduling.flow import Stage, set_stage
from scheduling.models import Appointment, AppointmentQuerySet, Change, Confirmation, Notice, Status
from scheduling.notices import LEFT, answer, stop_reminding
from scheduling.noting import fingerprint, save_note
from scheduling.planning import AWAITING
from scheduling.refusals import BookingRefused
from scheduling.slots import lock_visit, put
from scheduling.time_requests import CHOOSE
from scheduling.undo import MOMENTS, as_it_was, record_change
from scheduling.wishes import ask_for_another_time

Reading = Message.Reading
BY_TEXT = Actor(kind="patient", door="text")
ANSWERS_COUNT_FOR = dt.timedelta(days=7)
MINUTES_TO_ACT = 120
NEAR = dt.timedelta(hours=2)  # “here” and “late” are about a visit this close
LATE_MARK = "Running late"
HOW = {Channel.SMS: "text", Channel.EMAIL: "email", Channel.CALL: "phone"}
ALL_EXPECTED = {
    "en": "{practice}: thank you, we expect you for all of them.",
    "es": "{practice}: gracias, les esperamos en todas.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer may be about: our message it follows, and the visits that message left open."""

    message: Message
    visits: tuple[Appointment, ...]

    @property
    def only(self) -> Appointment | None:
        return self.visits[0] if len(self.visits) == 1 else None


@transaction.atomic
def handle_reply(message: Message, reading: str) -> bool:
    """Takes a patient's answer where it is plain which visit it is about; True when it was taken."""
    handler = HANDLERS.get(reading)
    return handler(message, reading) if handler else False


def _about_a_question(message: Message, reading: str) -> bool:
    """YES, NO, CANCEL, NEW_TIME: for the one visit that was asked about, else asked back by number."""
    asked = asked_about(message)
    if asked is None:
        return reading in {Reading.CANCEL, Reading.NEW_TIME} and _about_the_coming_visit(message, reading)
    if asked.only is None:
        return _ask_which(message, asked, reading)
    if message.in_reply_to_id is None:
        message.in_reply_to = asked.message
        message.save(update_fields=["in_reply_to"])
    return apply(message, reading, asked.visits)


def _about_the_coming_visit(message: Message, reading: str) -> bool:
    """A wish that answers nothing: about the only visit to come of whoever has this number."""
    coming = list(
        visits_of_number(message).filter(status=Status.BOOKED, starts_at__gt=timezone.now()).distinct()[:2]
    )
    return len(coming) == 1 and apply(message, reading, coming)


def asked_about(message: Message) -> Asked | None:
    """What a message answers, as far as it leaves no doubt; None when only a person can tell.

    A key press and a mail say themselves which message of ours they answer; a text follows the last one.
    """
    said = Notice.objects.filter(
        message__direction=Message.Direction.OUT, message__status__in=LEFT
    ).select_related("message", "appointment__patient", "appointment__practitioner")
    if message.channel != Channel.SMS:
        return _answered_directly(list(said.filter(message=message.in_reply_to_id)))
    said = said.filter(
        message__address_index=message.address_index,
        message__channel=Channel.SMS,
        message__send_after__gt=timezone.now() - ANSWERS_COUNT_FOR,
    )
    notices = list(said.order_by("-message__send_after", "-pk")[:20])
    if not notices:
        return None
    last = notices[0]
    if last.kind == CHOOSE:
        return None  # a word is no answer to “which time?”: the link is, or a person
    asked = {n.appointment_id: n.appointment for n in notices if n.kind != "cancelled"}
    coming = {pk: visit for pk, visit in asked.items() if is_coming(visit)}
    still_open = [visit for visit in coming.values() if visit.confirmation in AWAITING]
    if last.appointment_id not in coming:
        return None  # moved, cancelled or over since: what the answer means is anybody's guess
    if not any(visit.pk != last.appointment_id for visit in still_open):
        return Asked(last.message, (coming[last.appointment_id],))
    if coming[last.appointment_id].confirmation not in AWAITING:
        return None
    return Asked(last.message, tuple(sorted(still_open, key=lambda visit: (visit.starts_at, visit.pk))))


def _answered_directly(notices: Sequence[Notice]) -> Asked | None:
    visits = {n.appointment_id: n.appointment for n in notices if n.kind != "cancelled"}
    if not visits or not all(is_coming(visit) for visit in visits.values()):
        return None
    return Asked(notices[0].message, tuple(sorted(visits.values(), key=lambda visit: visit.starts_at)))


def is_coming(visit: Appointment) -> bool:
    return visit.is_open and visit.starts_at > timezone.now()


def _ask_which(message: Message, asked: Asked, reading: str) -> bool:
    names = asking.may_name(current_practice())
    people = [visit.patient for visit in asked.visits]
    options = [
        asking.Option(
            visit.pk,
            (visit.patient.preferred or visit.patient.given)
            if names and not visit.patient.neutral_name
            else "",
            visit.starts_at,
            zone_of(visit),
        )
        for visit in asked.visits
    ]
    language = "es" if all(person.language == "es" for person in people) else "en"
    about = asked.message.pk
    return asking.ask_which(message, options, about=about, reading=reading, language=language, by=BY_TEXT)


def _chosen(message: Message, reading: str) -> bool:
    """A number that answers our question: the first answer, for the visits it chose, if they still stand."""
    choice = asking.chosen(message)
    if choice is None:
        return False
    visits = list(Appointment.objects.with_people().filter(pk__in=choice.chosen).order_by("starts_at", "pk"))
    if len(visits) != len(choice.chosen) or not all(is_coming(visit) for visit in visits):
        return False
    return apply(message, choice.reading, visits)


def apply(message: Message, reading: str, visits: Sequence[Appointment]) -> bool:
    """Does what a reading asks for to visits; all of them or none. What was done is kept for the undo."""
    if reading == Reading.YES:
        # After “I cannot come” a YES needs a person.
        if any(visit.confirmation not in [*AWAITING, Confirmation.CONFIRMED] for visit in visits):
            return False
        done = [change for visit in visits if (change := _confirm(visit, message))]
        if done and message.channel == Channel.SMS:
            _thank([change.appointment for change in done], message)
    elif reading == Reading.NEW_TIME:
        done = [_wish(visit, message) for visit in visits]
    else:
        done = [change for visit in visits if (change := _decline(visit, message))]
        if done and message.channel == Channel.SMS:
            answer(done[0].appointment, "noted", to=message, by=BY_TEXT)
    remember(message, changes=[str(change.pk) for change in done])
    return True


def _confirm(visit: Appointment, message: Message) -> Change | None:
    if visit.confirmation == Confirmation.CONFIRMED:
        return None
    return last_change(confirm_appointment(appointment=visit, how=HOW[Channel(message.channel)], by=BY_TEXT))


def last_change(visit: Appointment) -> Change:
    """The change that made the visit what it is."""
    found: Change = Change.objects.filter(appointment=visit, version=visit.version).latest("made_at")
    found.appointment = visit
    return found


def _thank(visits: Sequence[Appointment], message: Message) -> None:
    if len(visits) == 1:
        answer(visits[0], "thanks", to=message, by=BY_TEXT)
        return
    language = visits[0].patient.language
    queue_message(
        patient=message.patient,
        channel=message.channel,
        kind=Message.Kind.REPLY,
        body=ALL_EXPECTED.get(language, ALL_EXPECTED["en"]).format(
            practice=practice_name_at(message.address_index, message.patient, language)
        ),
        language=language,
        send_after=timezone.now(),
        useful_until=timezone.now() + NEAR,
        idempotency_key=f"thanks:{message.pk}",
        ignores_quiet_hours=True,
        in_reply_to=message,
        by=BY_TEXT,
    )


def _decline(appointment: Appointment, message: Message) -> Change | None:
    """Records that the patient cannot come; whether the visit is cancelled or moved a person decides."""
    visit, change = lock_visit(appointment), None
    before, was = as_it_was(visit), visit.confirmation
    if was != Confirmation.DECLINED:
        visit.confirmation, visit.confirmed_at, visit.confirmed_by = Confirmation.DECLINED, None, ""
        visit.version += 1
        visit.save()
        change = record_change(kind=Change.Kind.STATUS, appointment=visit, before=before, by=BY_TEXT)
        stop_reminding(visit, reason="declined", by=BY_TEXT)
        audit.record(
            "appointment.declined",
            visit,
            by=BY_TEXT,
            patient_id=visit.patient_id,
            changes={"confirmation": [was, visit.confirmation]},
        )
    open_task(
        kind=Task.Kind.CANCEL,
        due_at=in_office_time(current_practice(), MINUTES_TO_ACT),
        once_key=f"cancel:{visit.pk}",
        urgency=Task.Urgency.SOON,
        patient=visit.patient,
        message=message,
        appointment_id=visit.pk,
        by=BY_TEXT,
    )
    changes.announce(current_practice(), "appointments", "queue")
    return change


def _wish(appointment: Appointment, message: Message) -> Change:
    """Puts the wish for another time before a person, with the text it came by; the visit stays booked."""
    before = as_it_was(lock_visit(appointment))
    visit = ask_for_another_time(appointment=appointment, wishes=[], text=message.body, by=BY_TEXT)
    Task.objects.open().filter(once_key=f"new-time:{visit.pk}", message=None).update(message=message)
    return record_change(kind=Change.Kind.STATUS, appointment=visit, before=before, by=BY_TEXT)


def visits_of_number(message: Message) -> AppointmentQuerySet:
    """The visits of everybody who has the number that wrote."""
    people = ContactPoint.objects.filter(value_index=message.address_index, patient__active=True)
    return Appointment.objects.with_people().filter(patient__in=people.values("patient"))


def _visit_now(message: Message) -> Appointment | None:
    """The only visit of today that is due within two hours, of whoever has this number."""
    now = timezone.now()
    near = visits_of_number(message).filter(
        status=Status.BOOKED,
        local_date=current_practice().today(),
        starts_at__gt=now - NEAR,
        starts_at__lt=now + NEAR,
    )
    found = list(near[:2])
    return found[0] if len(found) == 1 else None


def _arrived(message: Message, reading: str) -> bool:
    """“Here”: the board shows the patient as arrived, until somebody takes it back."""
    visit = _visit_now(message)
    if visit is None:
        return False
    try:
        visit = set_stage(appointment=visit, stage=Stage.ARRIVED, version=visit.version, by=BY_TEXT)
    except BookingRefused:
        return False
    remember(message, changes=[str(last_change(visit).pk)])
    return True


def _late(message: Message, reading: str) -> bool:
    """“Running 10 late”: a row for the desk and a line to know first on the visit; nothing is moved."""
    visit = _visit_now(message)
    if visit is None:
        return False
    minutes = (message.spoke_of or {}).get("minutes")
    local = message.created_at.astimezone(current_practice().zone)
    words = f"{LATE_MARK}, about {minutes} min" if minutes else LATE_MARK
    line = f"{words} (texted {local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'})."
    kept = [row for row in visit.note.splitlines() if not row.startswith(LATE_MARK)]
    visit = save_note(
        appointment=visit, before=fingerprint(visit.note), note="\n".join([line, *kept]), by=BY_TEXT
    )
    task = open_task(
        kind=Task.Kind.FOLLOW_UP,
        due_at=max(visit.starts_at, timezone.now() + dt.timedelta(minutes=5)),
        once_key=f"late:{visit.pk}",
        urgency=Task.Urgency.SOON,
        patient=visit.patient,
        message=message,
        appointment_id=visit.pk,
        note=f"{words}. Tell {visit.practitioner.short_name}; the visit was not moved.",
        by=BY_TEXT,
    )
    if task.message_id != message.pk:  # a second text about the same visit: the newer minutes count
        task.note, task.message = f"{words}. Tell {visit.practitioner.short_name}.", message
        task.save(update_fields=["note", "message"])
    remember(message, late={"visit": str(visit.pk), "line": line})
    return True


HANDLERS: dict[str, Callable[[Message, str], bool]] = {
    Reading.YES: _about_a_question,
    Reading.NO: _about_a_question,
    Reading.CANCEL: _about_a_question,
    Reading.NEW_TIME: _about_a_question,
    Reading.CHOICE: _chosen,
    Reading.HERE: _arrived,
    Reading.LATE: _late,
}


@transaction.atomic
def undo_reply(message: Message, by: Actor) -> None:
    """Takes back what a message was read to say, except of a visit that somebody changed since."""
    did = message.spoke_of or {}
    for key in did.get("changes", []):
        _take_back(uuid.UUID(key), by)
    if "late" in did:
        _unsay_late(did["late"], by)
    kinds = [Task.Kind.CANCEL, Task.Kind.NEW_TIME, Task.Kind.FOLLOW_UP]
    for task in Task.objects.open().filter(message=message, kind__in=kinds):
        close_task(task=task, outcome="read wrongly", by=by)
    changes.announce(current_practice(), "appointments", "queue")


def _take_back(change_id: uuid.UUID, by: Actor) -> None:
    change = (
        Change.objects.select_related("appointment__practitioner")
        .filter(pk=change_id, undone_at=None)
        .first()
    )
    if change is None:
        return
    visit = lock_visit(change.appointment)
    if visit.version != change.version:
        return
    was, had_its_time = [visit.status, visit.confirmation], visit.is_active
    for name, value in (change.before or {}).items():
        setattr(visit, name, dt.datetime.fromisoformat(value) if name in MOMENTS and value else value)
    visit.version += 1
    put(visit, has_its_time=had_its_time)
    change.undone_at = timezone.now()
    change.save(update_fields=["undone_at"])
    audit.record(
        "appointment.answer-undone",
        visit,
        by=by,
        patient_id=visit.patient_id,
        changes={"status": [was[0], visit.status], "confirmation": [was[1], visit.confirmation]},
    )


def _unsay_late(late: dict[str, str], by: Actor) -> None:
    visit = Appointment.objects.with_people().filter(pk=late["visit"]).first()
    if visit is None or late["line"] not in visit.note.splitlines():
        return
    kept = [row for row in visit.note.splitlines() if row != late["line"]]
    save_note(appointment=visit, before=fingerprint(visit.note), note="\n".join(kept), by=by)
