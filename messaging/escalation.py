"""Carries urgent messages until somebody has them: by rows that are due, never by sleeping tasks.

Each step asks the next people by text and e-mail, without a word about the patient: the recipients
themselves so many times, then each person on call, then the managers. After the last one the row in “Needs
you” turns red and stays. A step writes its log, its messages in the outbox and the time of the next step in
one transaction under the row's lock: two workers, two beats or a killed worker give each step once.
"""

import datetime as dt
import logging
import re
import uuid
from collections import Counter
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from messaging.ack_links import LIVES, address_for
from messaging.models import DeskRules, EscalationStep, Message, StaffMessage, Task
from messaging.outbox import address_index, queue_message, withdraw_messages
from messaging.routing import House, join
from messaging.staff_messages import HANDED_OVER, acknowledge, task_key
from patients.models import Channel
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.models import Language, Membership, Practice, Role, User
from practices.tenancy import current_practice, inside

logger = logging.getLogger(__name__)

AT_ONCE = 20
CODE = re.compile(r"(?<!\d)(\d{4}|\d{6})(?!\d)")
TEXTED = "text"
WORTH_SENDING = dt.timedelta(hours=1)  # later ones have followed long before


@dataclass(frozen=True, slots=True)
class Next:
    """Whom the next step asks, as what they are, and for the how-many-th time."""

    people: list[User]
    role: str
    turn: int


def carry_all(practice: Practice, rounds: int = 20) -> None:
    """Takes every step that is due; bounded, so that one practice cannot keep a worker to itself."""
    for _ in range(rounds):
        if not carry_due(practice):
            return


def carry_due(practice: Practice) -> int:
    """Takes the steps that are due now, each once; returns how many."""
    with inside(practice):
        rows = StaffMessage.objects.due().select_related("to_user").order_by("next_step_at")
        if "escalation-lock" not in settings.SWITCHED_OFF:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        due = list(rows[:AT_ONCE])
        if not due:
            return 0
        house, rules = House.now(), DeskRules.of_practice()
        for message in due:
            take_step(message, house, rules)
        changes.announce(practice, "staff-messages", "queue", "messages")
        return len(due)


def take_step(message: StaffMessage, house: House, rules: DeskRules) -> None:
    """One step: asks the next people, or says that nobody is left to ask."""
    earlier = EscalationStep.objects.filter(staff_message=message, number__gt=_since(message))
    times = set(earlier.exclude(to_user=None).values_list("to_user", "number"))
    asked = Counter(person for person, _ in times)
    message.step += 1
    following = whom(message, house, asked, rules.escalate_times)
    if following is None:
        nobody_left(message, house)
    else:
        for person in following.people:
            ask(message, person, following)
        every = dt.timedelta(minutes=rules.escalate_every_minutes)
        message.next_step_at = after(message.next_step_at, every)
    message.save(update_fields=["step", "next_step_at"])


def _since(message: StaffMessage) -> int:
    """The step at which the message was last handed over; what came before it no longer counts."""
    handed = EscalationStep.objects.filter(staff_message=message, channel=HANDED_OVER)
    return handed.aggregate(last=Max("number"))["last"] or 0


def after(due: dt.datetime | None, every: dt.timedelta) -> dt.datetime:
    """One pace after the step was due; from now where a worker was away for longer than that."""
    now = timezone.now()
    return max((due or now) + every, now) if due and due + every > now else now + every


def whom(message: StaffMessage, house: House, asked: Counter[int], times: int) -> Next | None:
    """Whose turn it is: the recipients, who is on call rank by rank, the managers; None at the end."""
    chain = [(house.of(message).people, "")]
    chain += [(people, "on call") for people in house.on_call]
    chain += [(house.with_role(Role.MANAGER), "manager")]
    for people, role in chain:
        left = [person for person in people if asked[person.pk] < times]
        if left:
            return Next(left, role, 1 + min(asked[person.pk] for person in left))
    return None


def ask(message: StaffMessage, person: User, step: Next) -> None:
    """Asks one colleague by text, where her mobile is known, and by e-mail; replaces what still waits."""
    practice = current_practice()
    earlier = EscalationStep.objects.filter(staff_message=message, to_user=person).values("message")
    withdraw_messages(messages=Message.objects.filter(pk__in=earlier), reason="asked again", by=SYSTEM)
    for channel, to in ways_to(person):
        # The control of the drill: without the lock and the key both workers' steps would go out.
        loose = f":{uuid.uuid4()}" if "escalation-lock" in settings.SWITCHED_OFF else ""
        sent = queue_message(
            patient=None,
            staff=person,
            channel=channel,
            kind=Message.Kind.URGENT,
            language=Language.ENGLISH,
            address=to,
            subject=f"Urgent message at {practice.public_name}"[:120],
            body=words_for(message, person, channel),
            idempotency_key=f"urgent:{message.pk}:{message.step}:{person.pk}:{channel}{loose}"[:120],
            send_after=timezone.now(),
            useful_until=timezone.now() + WORTH_SENDING,
            ignores_quiet_hours=True,
            followed=True,  # by the next step: that one did not arrive stands in the log
            by=SYSTEM,
        )
        log(message, person, channel, sent, said(person, channel, step))


def ways_to(person: User) -> list[tuple[str, str]]:
    """Channel and address: her mobile where it is known, and always her e-mail."""
    membership = Membership.objects.active().filter(user=person).first()
    mobile = str(membership.mobile) if membership is not None else ""
    mail = (str(Channel.EMAIL), person.email)
    return [(str(Channel.SMS), mobile), mail] if mobile else [mail]


def words_for(message: StaffMessage, person: User, channel: str) -> str:
    """The text or e-mail: the practice, a link, a code; nothing of patient or matter."""
    name, link = current_practice().public_name, address_for(message, person)
    if channel == Channel.SMS:
        return f"Urgent message at {name}. Read and accept: {link} Or reply {message.ack_code}."
    return (
        f"An urgent message waits for you at {name}.\n\nAccept it here, without signing in:\n{link}\n\n"
        f"Or reply {message.ack_code} to the text. Then sign in to read it.\n\n{name}"
    )


def said(person: User, channel: str, step: Next) -> str:
    """A line of the log."""
    way = "Text" if channel == Channel.SMS else "E-mail"
    role = f", {step.role}" if step.role else ""
    again = "" if step.turn == 1 else f", {ordinal(step.turn)} time"
    return f"{way} to {person.short_name}{role}{again}"


def ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def log(
    message: StaffMessage, person: User | None, channel: str, sent: Message | None, words: str
) -> EscalationStep:
    step = EscalationStep(
        practice=current_practice(),
        staff_message=message,
        number=message.step,
        at=timezone.now(),
        to_user=person,
        channel=channel,
        message=sent,
        words=words[:160],
    )
    EscalationStep.objects.bulk_create([step], ignore_conflicts="escalation-lock" in settings.SWITCHED_OFF)
    return step


def nobody_left(message: StaffMessage, house: House) -> None:
    """Everybody was asked and nobody took it: a red row that stays, and no more steps."""
    message.next_step_at = None
    reached = house.of(message)
    words = "Nobody could be reached" if not reached.people else "Nobody has taken it; everybody was asked"
    log(message, None, "", None, words)
    rows = Task.objects.open().filter(once_key=task_key(message))
    rows.update(urgency=Task.Urgency.EMERGENCY, due_at=timezone.now(), snoozed_until=None, owner=None)
    audit.record("staff_message.not-taken", message, by=SYSTEM, patient_id=message.patient_id)


@transaction.atomic
def text_from_colleague(*, from_: str, body: str) -> bool:
    """Takes an urgent message by the code that a colleague texts from her own mobile; True when it did.

    The right code from another number does nothing, is written down, and stays an ordinary text (False).
    """
    code = CODE.search(body[:160])
    if code is None:
        return False
    lately = timezone.now() - LIVES
    rows = StaffMessage.objects.filter(ack_code=code[1], created_at__gte=lately).exclude(ack_code="")
    message = rows.order_by("-created_at").first()
    if message is None:
        return False
    colleague = _sender(message, from_)
    if colleague is None:
        logger.warning("a reply code came from a number that was not asked")
        audit.record("staff_message.foreign-code", message, by=Actor(kind="system", door=TEXTED))
        return False
    by = Actor(kind="staff", door=TEXTED, user=colleague.user, membership=colleague)
    was_open = message.acknowledged_at is None and message.done_at is None
    message = acknowledge(message=message, how=TEXTED, by=by)
    answer(message, colleague, was_open)
    return True


def _sender(message: StaffMessage, from_: str) -> Membership | None:
    """The colleague who was asked and whose mobile this is."""
    asked = EscalationStep.objects.filter(staff_message=message).exclude(to_user=None).values("to_user")
    index = address_index(Channel.SMS, from_)
    for member in Membership.objects.active().filter(user__in=asked).exclude(mobile=""):
        if address_index(Channel.SMS, str(member.mobile)) == index:
            return member
    return None


def answer(message: StaffMessage, colleague: Membership, was_open: bool) -> None:
    """Tells the colleague at once whether it is hers, or whose it is already."""
    practice = current_practice()
    hers = was_open or message.acknowledged_by_id == colleague.user_id
    holder = message.acknowledged_by or message.done_by
    whose = (
        "you have it. Sign in to read it."
        if hers
        else f"{holder.short_name if holder else 'somebody'} has it."
    )
    queue_message(
        patient=None,
        channel=Channel.SMS,
        kind=Message.Kind.URGENT,
        body=f"{practice.public_name}: {whose}",
        language=Language.ENGLISH,
        send_after=timezone.now(),
        useful_until=timezone.now() + dt.timedelta(hours=1),
        idempotency_key=f"urgent:{message.pk}:heard:{colleague.user_id}",
        ignores_quiet_hours=True,
        staff=colleague.user,
        address=str(colleague.mobile),
        by=SYSTEM,
    )


def asked_people(message: StaffMessage) -> str:
    """Who was asked so far, by name."""
    steps = EscalationStep.objects.filter(staff_message=message).exclude(channel__in=["", HANDED_OVER])
    names = steps.order_by("number", "id").values_list("to_user__given_name", flat=True)
    return join(list(dict.fromkeys(filter(None, names))))
