"""Tells clinicians of late changes to their days, and of nothing that still has time.

Each change says by itself whether it was looked at. Once it can no longer be taken back, it is told when
the visit lies within the practice's horizon, to the clinician it concerns, in one message for all that came
together and without a word of a patient; everything else is only marked.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from messaging.models import Message
from messaging.outbox import queue_message
from patients.models import Channel
from practices import audit
from practices.audit import SYSTEM, Actor
from practices.models import Language, Membership, Practice, User
from practices.tenancy import current_practice, inside
from scheduling.models import Appointment, Change, ClinicianNews, NewsRule
from scheduling.words import clock, inside_words, short_day

AT_ONCE = 100
APART = dt.timedelta(minutes=15)  # after one message the next waits so long, unless its visit is near
NEAR = dt.timedelta(hours=1)
LISTED = 8
TOLD = (Change.Kind.BOOKED, Change.Kind.MOVED, Change.Kind.CANCELLED)


class RuleRefused(ValueError):
    """Why a rule cannot be kept so, in words."""


def rule_now() -> NewsRule:
    """The practice's rule, or the defaults."""
    return next(iter(NewsRule.objects.all()), NewsRule(practice=current_practice()))


@transaction.atomic
def save_news_rule(*, values: Mapping[str, Any], by: Actor) -> NewsRule:
    """Stores what clinicians are told; raises RuleRefused for what makes no sense."""
    if not 0 <= values["horizon_days"] <= NewsRule.MOST_DAYS:
        raise RuleRefused(f"Choose 0 to {NewsRule.MOST_DAYS} days.")
    if values["tells"] and not values["channels"]:
        raise RuleRefused("Choose e-mail, text or both.")
    NewsRule.objects.bulk_create([NewsRule(practice=current_practice())], ignore_conflicts=True)
    rule: NewsRule = NewsRule.objects.select_for_update().get()
    changed = {n: [getattr(rule, n), value] for n, value in values.items() if getattr(rule, n) != value}
    for name, value in values.items():
        setattr(rule, name, value)
    if changed:
        rule.save()
        audit.record("news_rule.changed", rule, by=by, changes=changed)
    return rule


def tell_due(practice: Practice) -> int:
    """Tells what is due and marks the rest; returns how many messages were written."""
    with inside(practice):
        now = timezone.now()
        due = list(
            Change.objects.filter(news_at=None, undone_at=None, kind__in=TOLD, undo_until__lte=now)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("undo_until")[:AT_ONCE]
        )
        if not due:
            return 0
        rule = rule_now()
        news = _worth_telling(due, rule, now) if rule.tells else {}
        waiting, written = set(), 0
        for user, told in news.items():
            if _told_lately(user, now) and not any(visit.starts_at - now < NEAR for _, visit in told):
                waiting |= {change.pk for change, _ in told}
                continue
            written += bool(_tell(user, told, rule, now))
        done = [change.pk for change in due if change.pk not in waiting]
        Change.objects.filter(pk__in=done).update(news_at=now)
        return written


News = list[tuple[Change, Appointment]]


def _worth_telling(due: Iterable[Change], rule: NewsRule, now: dt.datetime) -> dict[User, News]:
    """Who hears of which changes: her own visits within the horizon that somebody else changed."""
    ids = {key for change in due for key in (change.appointment_id, change.previous_id) if key}
    visits = Appointment.objects.select_related("practitioner__user").in_bulk(ids)
    last = current_practice().today() + dt.timedelta(days=rule.horizon_days)
    found: dict[User, News] = defaultdict(list)
    for change in due:
        seen: set[uuid.UUID] = set()
        for visit in _concerned(change, visits, rule):
            user = visit.practitioner.user
            if user is None or not user.is_active or user.pk == change.made_by_id:
                continue
            if visit.ends_at > now and visit.local_date <= last and visit.practitioner_id not in seen:
                seen.add(visit.practitioner_id)
                found[user].append((change, visit))
    members = set(Membership.objects.active().filter(user__in=found).values_list("user", flat=True))
    return {user: told for user, told in found.items() if user.pk in members}


def _concerned(change: Change, visits: Mapping[uuid.UUID, Appointment], rule: NewsRule) -> list[Appointment]:
    """The visits of a change that a clinician would want to know of, the one that was before first."""
    if change.kind == Change.Kind.BOOKED and not rule.new_visits:
        return []
    keys = (change.previous_id, change.appointment_id)
    return [visits[key] for key in keys if key and key in visits]


def _told_lately(user: User, now: dt.datetime) -> bool:
    return ClinicianNews.objects.filter(user=user, told_at__gt=now - APART).exists()


def _tell(user: User, told: News, rule: NewsRule, now: dt.datetime) -> list[Message]:
    """One message a channel for everything at once; a change that was told to her is never told again."""
    practice = current_practice()
    known = set(
        ClinicianNews.objects.filter(user=user, change__in=[c for c, _ in told]).values_list(
            "change", flat=True
        )
    )
    fresh = [(change, visit) for change, visit in told if change.pk not in known]
    if not fresh:
        return []
    ClinicianNews.objects.bulk_create(
        [ClinicianNews(practice=practice, change=change, user=user, told_at=now) for change, _ in fresh],
        ignore_conflicts=True,
    )
    name, link = practice.public_name, f"{settings.PUBLIC_URL}/p/{practice.slug}/changed/"
    many = "1 late change" if len(fresh) == 1 else f"{len(fresh)} late changes"
    lines = [_line(change, visit, practice) for change, visit in fresh[:LISTED]]
    lines += [f"and {len(fresh) - LISTED} more"] if len(fresh) > LISTED else []
    written = []
    for channel, address in _ways(user, rule):
        body = (
            f"{name}: {many} to your days. {'; '.join(lines)}. {link}"
            if channel == Channel.SMS
            else f"{many} to your days at {name}.\n\n"
            + "\n".join(lines)
            + f"\n\nSign in to see: {link}\n\n{name}"
        )
        key = f"news:{max(change.pk for change, _ in fresh)}:{user.pk}:{channel}"
        written.append(
            queue_message(
                patient=None, staff=user, channel=channel, address=address, kind=Message.Kind.DIGEST,
                subject=f"{many} to your days at {name}"[:120], body=body, language=Language.ENGLISH,
                send_after=now, useful_until=max(visit.ends_at for _, visit in fresh),
                idempotency_key=key, ignores_quiet_hours=_tonight(fresh, now), by=SYSTEM,
            )
        )  # fmt: skip
    return written


def _tonight(fresh: News, now: dt.datetime) -> bool:
    """Whether a visit begins so soon that the news may not wait for the morning."""
    return any(visit.starts_at - now < dt.timedelta(hours=3) for _, visit in fresh)


def _ways(user: User, rule: NewsRule) -> list[tuple[str, str]]:
    """Channels and addresses: e-mail always works, a text only where her mobile is known."""
    member = next(iter(Membership.objects.active().filter(user=user).order_by()), None)
    mobile = str(member.mobile) if member is not None else ""
    ways = [(str(Channel.SMS), mobile)] if mobile and Channel.SMS in rule.channels else []
    if Channel.EMAIL in rule.channels or not ways:
        ways.append((str(Channel.EMAIL), user.email))
    return ways


def _line(change: Change, visit: Appointment, practice: Practice) -> str:
    """Tomorrow 9:20 AM: cancelled; the time of a visit, and nothing of whose it is."""
    local = visit.starts_at.astimezone(practice.zone)
    day = inside_words(short_day(local.date(), practice.today()))
    left = change.previous_id == visit.pk
    words = {"booked": "new visit", "cancelled": "cancelled"}.get(
        change.kind, "moved away" if left else "moved to here"
    )
    return f"{day.capitalize() if day[0].islower() else day} {clock(local)}: {words}"
