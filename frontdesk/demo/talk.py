"""What was said today and what it left: calls, voicemails, e-mails, threads in every state."""

import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from frontdesk.demo import enclosed, post
from frontdesk.demo.clock import at
from frontdesk.demo.filling import Desk
from frontdesk.demo.houses import HARBOR
from messaging import attachments, call_events, calls, closing, conversations, inbox, recordings, writing
from messaging.models import Call, Conversation, Recording
from patients.models import Channel, ContactPoint, Patient
from practices.models import Membership

MINUTE = dt.timedelta(minutes=1)
STRANGER, SECOND_STRANGER = "+18025550181", "+18025550182"
VOICEMAIL = (
    "Hi, this is a message for the front desk. I have to move my visit next week, mornings are best. "
    "Please call me back after three. Thank you."
)
# Minutes ago, matter, minutes spoken, what was noted.
SPOKEN = (
    (190, Call.Matter.APPOINTMENT, 3, "Moved to a morning slot, reads the text reminders."),
    (155, Call.Matter.BILLING, 5, "Statement of last month; billing calls back."),
    (120, Call.Matter.REFILL, 2, "Pharmacy on Ferry Road; told two working days."),
    (70, Call.Matter.REFERRAL, 4, "Asks whether the referral to the eye clinic went out."),
)


@dataclass
class Day:
    """The people of today's stories, each used once."""

    desk: Desk
    people: Iterator[Patient]

    def next(self) -> Patient | None:
        return next(self.people, None)


def people(desk: Desk) -> Iterator[Patient]:
    """Adults of the demo who can be texted, always the same ones."""
    known = [one for one in desk.patients if one.pk not in desk.silent]
    return (one for one in known[8:] if post.mobile(one))


def speak(desk: Desk) -> None:
    """Calls and letters of the day up to now; what they would send counts as delivered."""
    day = Day(desk, people(desk))
    for story in (_spoken, _missed, _gave_up, _voicemail, _answered, _closed, _put_off, _mails):
        story(day)
        post.settle(desk, desk.now)


def number_of(patient: Patient) -> str:
    return post.mobile(patient)


def _thread(patient: Patient) -> Conversation | None:
    thread: Conversation | None = Conversation.objects.filter(patient=patient).first()
    return thread


# Calls


def _spoken(day: Day) -> None:
    """Calls that somebody took this morning, with their notes."""
    desk = day.desk
    for minutes, matter, spoken, note in SPOKEN:
        patient = day.next()
        if patient is None:
            return
        began = desk.now - minutes * MINUTE
        with at(began):
            call = calls.log_call(direction="in", number=number_of(patient), patient=patient, by=desk.by)
            calls.describe(call=call, matter=matter, by=desk.by)
            calls.write_note(call=call, note=note, by=desk.by)
        with at(began + spoken * MINUTE):
            ended = calls.end_call(call=Call.objects.get(pk=call.pk), by=desk.by)
            calls.finish(call=ended, by=desk.by)


def came(day: Day, number: str, minutes: int, waited: int) -> Call:
    """A call that came so many minutes ago and whose caller rang off after `waited` seconds."""
    began = day.desk.now - minutes * MINUTE
    with at(began):
        call = calls.call_came(
            supplier_id=f"CA{secrets.token_hex(16)}", from_=number, by=call_events.REPORTED
        )
    with at(began + dt.timedelta(seconds=waited)):
        return call_events.line_reported(call, "completed", waited)


def _missed(day: Day) -> None:
    came(day, STRANGER, 26, 14)


def _gave_up(day: Day) -> None:
    patient = day.next()
    if patient is not None and day.desk.house.slug == HARBOR.slug:
        came(day, number_of(patient), 41, 72)


def _voicemail(day: Day) -> None:
    """A message after the tone, with its sound and what was understood of it."""
    desk, patient = day.desk, day.next()
    if patient is None:
        return
    began, sid = desk.now - 55 * MINUTE, f"RE{secrets.token_hex(16)}"
    with at(began):
        call = calls.call_came(
            supplier_id=f"CA{secrets.token_hex(16)}", from_=number_of(patient), by=call_events.REPORTED
        )
    with at(began + 3 * MINUTE):
        recording = recordings.announced(call, sid, enclosed.seconds_of(VOICEMAIL))
        recordings.transcribed(call, sid, VOICEMAIL)
        if recording is not None:
            keep(recording)
        call_events.line_reported(call, "completed", 150)


def keep(recording: Recording) -> None:
    """The sound is here already: nobody asks the supplier for it."""
    stored = Recording.objects.get(pk=recording.pk)
    stored.audio, stored.content_type = enclosed.murmur(VOICEMAIL), "audio/wav"
    stored.state, stored.next_try_at = Recording.State.STORED, None
    stored.save(update_fields=["audio", "content_type", "state", "next_try_at"])


# Threads


def _answered(day: Day) -> None:
    """A stranger's question that waits, and a patient's that Dana answered and hears back about."""
    desk, patient = day.desk, day.next()
    with at(desk.now - 33 * MINUTE):
        post.receive(desk, SECOND_STRANGER, "Hi, are you taking new patients? My plan is new this month.")
    if patient is None:
        return
    thread = asked(desk, patient, "Can I bring my son along? He is 4", 96)
    if thread is None:
        return
    with at(desk.now - 90 * MINUTE):
        writing.send(
            thread=thread,
            channel=Channel.SMS,
            body="Of course. Please come five minutes early, the waiting room has a corner for children.",
            language=patient.language,
            key=f"demo:answer:{patient.pk}:{desk.today}",
            by=desk.by,
        )
        note(desk, thread, "Room 2 is free at that time, I put the small table in.", 90)


def asked(desk: Desk, patient: Patient, words: str, minutes: int) -> Conversation | None:
    """A patient's text so many minutes ago, and the thread it is in."""
    with at(desk.now - minutes * MINUTE):
        post.receive(desk, number_of(patient), words)
    return _thread(patient)


def note(desk: Desk, thread: Conversation, words: str, minutes: int) -> None:
    with at(desk.now - minutes * MINUTE):
        key = f"demo:note:{thread.pk}:{desk.today}:{minutes}"
        conversations.note(thread=thread, body=words, key=key, by=desk.by)


def _closed(day: Day) -> None:
    """A thread that is dealt with."""
    desk, patient = day.desk, day.next()
    thread = asked(desk, patient, "Thanks for the quick help yesterday", 132) if patient else None
    if thread is not None:
        with at(desk.now - 125 * MINUTE):
            closing.close_conversation(thread=thread, by=desk.by)


def _put_off(day: Day) -> None:
    """One waits until tomorrow, one is with Jo."""
    desk, first, second = day.desk, day.next(), day.next()
    waits = asked(desk, first, "Could you send me the form for school again?", 75) if first else None
    if waits is not None:
        with at(desk.now - 72 * MINUTE):
            tomorrow = desk.instant(desk.today + dt.timedelta(days=1), 9)
            conversations.put_off(thread=waits, until=tomorrow, by=desk.by)
    given = asked(desk, second, "I was charged twice for my last visit", 48) if second else None
    jo = Membership.objects.filter(user__email="jo@frontdesk.example").select_related("user").first()
    if given is not None and jo is not None:
        with at(desk.now - 46 * MINUTE):
            conversations.assign(thread=given, owner=jo.user, by=desk.by)
        note(desk, given, "@Jo Lind the second charge was the lab's. Could you explain it to her?", 45)


def _mails(day: Day) -> None:
    """A mail with a picture of a card, and one of somebody who is nobody's."""
    desk = day.desk
    address = next(iter(mail_addresses(desk)), "")
    if address:
        words = "Good morning,\n\nmy insurance changed this month. The new card is attached.\n\nKind regards"
        _mail(desk, address, words, 64, [attachments.Part("image/png", enclosed.card())])
    if desk.house.slug == HARBOR.slug:
        words = "Hello, I would like to become a patient. How do I register? I am free most afternoons."
        _mail(desk, "new.neighbor@mail.example", words, 17, [])


def mail_addresses(desk: Desk) -> list[str]:
    """E-mail addresses of the demo's people, in their order."""
    points = ContactPoint.objects.filter(system="email", patient__in=[one.pk for one in desk.patients[8:60]])
    order = {one.pk: place for place, one in enumerate(desk.patients)}
    return [str(one.value) for one in sorted(points, key=lambda point: order[point.patient_id])]


def _mail(desk: Desk, from_: str, words: str, minutes: int, parts: list[attachments.Part]) -> None:
    with at(desk.now - minutes * MINUTE):
        key = f"demo:mail:{from_}:{desk.today}"
        inbox.receive_mail(key=key, from_=from_, body=words, original=words, answers=None, parts=parts)
