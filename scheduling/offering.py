"""Asking the waitlist about what opened: by hand, or group by group as the practice's rule says.

What is due stands in the openings' rows; the timetable comes by, two at once never ask twice.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from messaging.models import Message, Task
from messaging.staff_tasks import close_task, in_office_time, open_task
from patients.zones import after_quiet
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.models import Practice
from practices.tenancy import current_practice, inside
from scheduling.fitting import judge
from scheduling.matching import OUTLIVED, Facts, Match, Passed, Ranking, matches_for
from scheduling.models import Offer, Opening, PassedOver, WaitlistEntry, WaitlistRule
from scheduling.notices import LEFT
from scheduling.offer_news import ask, end
from scheduling.openings import close_opening, region_of, task_key
from scheduling.refusals import BookingRefused
from scheduling.waitlist import expire_entries
from scheduling.waitlist_rules import accept_until, ask_until, may_leave_at, next_step_at, rule_of
from scheduling.words import inside_words, short_when

MOST_PASSED = 60  # rows of “passed over” kept of one look
AT_ONCE = 50  # openings taken up in one sweep
MINUTES_TO_PROPOSE = 15
State = Offer.State
S = Message.Status
NOT_HEARD = [S.UNDELIVERED, S.FAILED, S.SUPPRESSED, S.CANCELLED]


class NothingToOffer(BookingRefused):
    """Nobody can be asked, or it is too late to ask; the text says which."""


@transaction.atomic
def offer_to(*, opening: Opening, entries: Sequence[uuid.UUID], by: Actor) -> list[Offer]:
    """Asks the chosen entries about an opening, in the order of the ranking; raises NothingToOffer."""
    opening = _hold(opening)
    ranking = matches_for(opening)
    chosen = [match for match in ranking.to_ask if match.entry.pk in set(entries)]
    if not (sent := _ask(opening, chosen, ranking, by)):
        raise NothingToOffer("None of them fits any more, or may be written to.")
    return sent


@transaction.atomic
def offer_next(*, opening: Opening, by: Actor) -> list[Offer]:
    """Asks the next group of the rule's size; raises NothingToOffer where there is none."""
    opening = _hold(opening)
    if not (sent := _next_group(opening, by)):
        raise NothingToOffer("Nobody on the list fits this time and may be written to now.")
    return sent


def _next_group(opening: Opening, by: Actor) -> list[Offer]:
    facts = Facts([opening])
    ranking = facts.rank(opening)
    return _ask(opening, ranking.to_ask, ranking, by, most=facts.rule.group_size)


def _hold(opening: Opening) -> Opening:
    """The opening, locked, if it still stands and somebody may still be asked about it."""
    rows = Opening.objects.select_for_update(of=("self",)).with_people()
    opening = rows.get(pk=opening.pk)
    if not opening.is_open:
        raise NothingToOffer(f"This time is {opening.get_state_display().lower()} already.")
    if timezone.now() > ask_until(rule_of(), opening.starts_at):
        raise NothingToOffer("It is too late to ask somebody in writing. Call instead.")
    return opening


def _ask(
    opening: Opening, matches: Sequence[Match], ranking: Ranking, by: Actor, *, most: int | None = None
) -> list[Offer]:
    """Asks the first `most` matches that stand a last look; writes down who was passed over and why."""
    rule, now = rule_of(), timezone.now()
    passed = [*ranking.passed, *(unwritten(one) for one in ranking.matches if one.channel is None)]
    leaves = may_leave_at(rule, max(now, opening.shown_from))
    place = opening.offers.count()
    sent: list[Offer] = []
    for match in matches:
        if most is not None and len(sent) >= most:
            break
        why = why_not_now(opening, match, leaves, rule) or claim(match.entry)
        if why:
            passed.append(Passed(match.entry, why))
            continue
        sent.append(_one(opening, match, place + len(sent) + 1, leaves, by))
    _note_passed(opening, passed, sent)
    if not sent:
        return []
    opening.batch += 1
    opening.due_at = next_step_at(rule, opening.starts_at, leaves + dt.timedelta(minutes=rule.pause_minutes))
    opening.save(update_fields=["batch", "due_at"])
    for task in Task.objects.open().filter(once_key=task_key(opening)):
        close_task(task=task, outcome="offered", by=by)
    audit.record("opening.offered", opening, by=by, changes={"asked": [0, len(sent)]})
    changes.announce(current_practice(), *region_of(opening), "messages")
    return sent


def unwritten(match: Match) -> Passed:
    """Somebody who fits and whom only a person can ask."""
    return Passed(match.entry, match.reach.why_not.capitalize() or "Wants to be called")


def why_not_now(opening: Opening, match: Match, leaves: dt.datetime, rule: WaitlistRule) -> str:
    """What the last look finds: the diary, rooms and needs, and when the text would arrive."""
    fit = judge(
        appointment_type=match.kind,
        practitioner=opening.practitioner,
        starts_at=match.starts_at,
        patient=match.entry.patient,
    )
    own = match.entry.appointment
    beside_own = own is not None and own.starts_at < match.ends_at and own.ends_at > match.starts_at
    breaks = [str(one) for one in fit.breaks if not (beside_own and one.kind == "taken")]
    if breaks:
        return breaks[0][:120]
    point = match.reach.point_for(match.channel or "")
    number = str(point.value) if point is not None and match.channel != "email" else ""
    if after_quiet(current_practice(), number, leaves) > ask_until(rule, match.starts_at):
        return "The text would come too late, because of the quiet hours"
    return ""


def claim(entry: WaitlistEntry) -> str:
    """Holds an entry so that nobody else asks it; why not, where somebody did since it was ranked.

    It waits for nobody: whoever holds the entry now may be about to need what is held here.
    """
    rows = WaitlistEntry.objects.waiting().select_for_update(no_key=True, skip_locked=True)
    now = rows.filter(pk=entry.pk).first()
    if now is None:
        return "Is answering, or being changed, just now"
    if now.last_asked_at != entry.last_asked_at or Offer.objects.standing().filter(entry=now).exists():
        return "Is being asked about another time"
    return OUTLIVED if now.is_outlived else ""


def _one(opening: Opening, match: Match, place: int, leaves: dt.datetime, by: Actor) -> Offer:
    """One offer with its link and its message; the entry remembers that it was asked."""
    token = Offer.new_token(current_practice().link_code)
    offer = Offer(
        practice=current_practice(),
        opening=opening,
        entry=match.entry,
        appointment_type=match.kind,
        starts_at=match.starts_at,
        ends_at=match.ends_at,
        batch=opening.batch + 1,
        place=place,
        reasons=[reason[:120] for reason in match.reasons],
        token_hash=Offer.hash_of(token),
        expires_at=accept_until(rule_of(), match.starts_at),
        created_by=by.user,
    )
    offer.save(force_insert=True)
    offer.message = ask(offer, token, reach=match.reach, send_after=leaves, by=by)
    offer.save(update_fields=["message"])
    asked = WaitlistEntry.objects.filter(pk=match.entry.pk)
    asked.update(last_asked_at=timezone.now(), times_asked=F("times_asked") + 1)
    audit.record(
        "offer.made", offer, by=by, patient_id=match.entry.patient_id, changes={"place": [None, place]}
    )
    return offer


def _note_passed(opening: Opening, passed: Sequence[Passed], sent: Sequence[Offer]) -> None:
    """Keeps the newest look: who was not asked, and why; whoever is asked now is no longer passed over."""
    opening.passed_over.all().delete()
    asked = {offer.entry_id for offer in sent}
    newest = {one.entry.pk: one for one in passed if one.entry.pk not in asked}
    PassedOver.objects.bulk_create(
        PassedOver(practice=opening.practice, opening=opening, entry=one.entry, why=one.why[:120])
        for one in list(newest.values())[:MOST_PASSED]
    )


def work_openings(practice: Practice) -> int:
    """The sweep: what is due in a practice, each opening in a transaction of its own; returns how many."""
    done = 0
    for _ in range(AT_ONCE):
        with inside(practice):
            opening = (
                Opening.objects.open()
                .filter(due_at__lte=timezone.now())
                .select_for_update(skip_locked=True, of=("self",))
                .with_people()
                .order_by("due_at")
                .first()
            )
            if opening is None:
                break
            next_step(opening)
            done += 1
    # Each by itself: one that went on to the next with what it holds could wait in a circle with an answer.
    for step in (follow_messages, end_unheard, expire_offers, close_begun, expire_entries):
        with inside(practice):
            step()
    return done


def next_step(opening: Opening) -> None:
    """Asks the next group, or puts the proposal before a person; looks again later where nobody is there."""
    rule, now = rule_of(), timezone.now()
    opening.due_at = None
    if (leaves := may_leave_at(rule, now)) > now and rule.mode == WaitlistRule.Mode.AUTOMATIC:
        opening.due_at = next_step_at(rule, opening.starts_at, leaves)
    elif not _stepped(opening, rule):
        # The time may be held in a dialog just now, or everybody be asked about another: that ends unheard.
        pause = dt.timedelta(minutes=rule.pause_minutes)
        opening.due_at = next_step_at(rule, opening.starts_at, now + pause)
    opening.save(update_fields=["due_at"])


def _stepped(opening: Opening, rule: WaitlistRule) -> bool:
    """Whether somebody was asked, or a person was told that somebody can be."""
    if rule.mode == WaitlistRule.Mode.ASSISTED:
        return propose(opening) is not None
    in_time = timezone.now() <= ask_until(rule, opening.starts_at)
    return rule.mode == WaitlistRule.Mode.AUTOMATIC and in_time and bool(_next_group(opening, SYSTEM))


def propose(opening: Opening) -> Task | None:
    """Puts an opening with its matches into “Needs you”; nothing where nobody fits."""
    found = len(matches_for(opening).matches)
    if not found:
        return None
    practice = current_practice()
    when = inside_words(short_when(opening.starts_at, practice))
    fit = "1 on the waitlist fits" if found == 1 else f"{found} on the waitlist fit"
    return open_task(
        kind=Task.Kind.OPENING,
        due_at=min(in_office_time(practice, MINUTES_TO_PROPOSE), opening.starts_at),
        once_key=task_key(opening),
        urgency=Task.Urgency.ROUTINE,
        subject_id=opening.pk,
        note=f"{opening.practitioner.short_name} has time {when}: {fit}",
        by=SYSTEM,
    )


def follow_messages() -> int:
    """Carries to the offers which questions have left."""
    queued = Offer.objects.filter(state=State.QUEUED, message__status__in=LEFT).not_in_use()
    moved = Offer.objects.filter(pk__in=[offer.pk for offer in queued]).update(state=State.SENT)
    if moved:
        changes.announce(current_practice(), "waitlist")
    return moved


def end_unheard() -> None:
    """Ends the offers whose question could not be brought."""
    unheard = Offer.objects.standing().filter(message__status__in=NOT_HEARD)
    for offer in unheard.not_in_use().with_all()[:100]:
        end(offer, State.WITHDRAWN, how="unreached", by=SYSTEM)


def expire_offers() -> None:
    """Ends the offers that nobody answered in time."""
    over = Offer.objects.standing().filter(expires_at__lte=timezone.now())
    for offer in over.not_in_use().with_all()[:200]:
        end(offer, State.EXPIRED, by=SYSTEM)


def close_begun() -> None:
    """Ends the openings that nobody can take any more."""
    begun = Opening.objects.open().filter(starts_at__lte=timezone.now()).order_by("pk")
    for opening in begun.select_for_update(skip_locked=True)[:200]:
        close_opening(opening=opening, why="Nobody took it.", by=SYSTEM)
