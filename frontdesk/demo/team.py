"""What the team told each other today: messages, an urgent one that somebody has, a complaint, a promise."""

import datetime as dt
import uuid

from frontdesk.demo import post
from frontdesk.demo.clock import at
from frontdesk.demo.filling import Desk
from frontdesk.demo.talk import number_of, people
from messaging import complaints, escalation, on_call, promises, staff_messages
from messaging.models import Recipient, StaffMessage
from patients.models import Patient
from practices.audit import Actor
from practices.models import Membership, Role

MINUTE = dt.timedelta(minutes=1)
NAMES = uuid.UUID("5a1f0c1e-7d0b-4c53-9d52-0f5a6f5e7d10")
KINDS, URGENCY = StaffMessage.Kind, StaffMessage.Urgency


def tell(desk: Desk) -> None:
    """Messages, complaint and promise of the day up to now."""
    cast = list(people(desk))[12:18]
    if len(cast) < 6:
        cast = list(people(desk))[-6:]
    if len(cast) < 6:
        return
    _routine(desk, cast)
    _urgent(desk, cast[3])
    _complaint(desk, cast[4])
    _promise(desk, cast[5])
    post.settle(desk, desk.now)


def key(desk: Desk, name: str) -> str:
    return f"demo:{name}:{desk.today}"


def _routine(desk: Desk, cast: list[Patient]) -> None:
    """A refill for the clinicians, a bill that waits for the digest, a result somebody asks for."""
    clinicians = Membership.objects.with_role(Role.CLINICIAN).exists()
    wanted = [
        (KINDS.REFILL, "Blood pressure tablets, the usual pharmacy, three days left.", 85, URGENCY.TODAY),
        (KINDS.BILLING, "Asks for an itemized statement of the spring visits.", 60, URGENCY.ROUTINE),
        (KINDS.RESULTS, "Would like to hear about the blood test of last week.", 35, URGENCY.TODAY),
    ]
    for (kind, words, minutes, urgency), patient in zip(wanted, cast, strict=False):
        with at(desk.now - minutes * MINUTE):
            staff_messages.take_message(
                kind=kind,
                body=words,
                recipient=Recipient.ROLE,
                to_role=Role.CLINICIAN if clinicians and kind != KINDS.BILLING else Role.RECEPTIONIST,
                patient=patient,
                callback_number=number_of(patient),
                read_back=True,
                urgency=urgency,
                promised_by=desk.now + 150 * MINUTE if kind == KINDS.RESULTS else None,
                once_key=key(desk, kind),
                by=desk.by,
            )


def _urgent(desk: Desk, patient: Patient) -> None:
    """Somebody on call was asked by text and has it since: nobody is asked any more."""
    came = desk.now - 52 * MINUTE
    with at(came):
        message = staff_messages.take_message(
            kind=KINDS.CLINICAL,
            body="Daughter has had a fever of 104 since last night and drinks little. Wants to hear at once.",
            recipient=Recipient.ON_CALL,
            patient=patient,
            callback_number=number_of(patient),
            read_back=True,
            urgency=URGENCY.URGENT,
            once_key=key(desk, "urgent"),
            by=desk.by,
        )
        escalation.carry_due(desk.practice)
        post.settle(desk, came)
        doctor = next(iter(on_call.on_call_at()), None)
    if doctor is None:
        return
    member = Membership.objects.get(user=doctor)
    with at(came + 3 * MINUTE):
        staff_messages.acknowledge(message=message, how="text", by=Actor("staff", "text", doctor, member))


def _complaint(desk: Desk, patient: Patient) -> None:
    managers = Membership.objects.with_role(Role.MANAGER).select_related("user")
    with at(desk.now - 110 * MINUTE):
        complaint = complaints.open_complaint(
            what_happened="Waited 50 minutes last Thursday without being told, then had to leave.",
            wanted="A word from the practice, and a visit that begins on time.",
            patient=patient,
            watchers=[one.user for one in managers],
            once_key=key(desk, "complaint"),
            by=desk.by,
        )
    with at(desk.now - 104 * MINUTE):
        complaints.note(
            complaint=complaint, words="Apologized; offered the first slot of Friday.", by=desk.by
        )


def _promise(desk: Desk, patient: Patient) -> None:
    if desk.by.user is None:
        return
    with at(desk.now - 66 * MINUTE):
        promises.promise(
            patient=patient,
            words="Call back about the referral letter.",
            owner=desk.by.user,
            by_when=desk.now + 95 * MINUTE,
            key=uuid.uuid5(NAMES, f"{desk.practice.slug} {desk.today}"),
            by=desk.by,
        )
