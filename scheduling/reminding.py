"""Turns planned reminders into rows of the outbox, each with its notice: a few statements however many."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence

from messaging.models import Message
from messaging.outbox import compose, hold_back, store_messages
from messaging.templates import render
from patients.contacts import practice_name_for, show_phone
from patients.models import Channel
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.clocks import local_start
from scheduling.links import address_of, new_link
from scheduling.models import Notice, VisitLink
from scheduling.notices import say_date, say_short
from scheduling.planning import Ask, Planned
from scheduling.rules import kind_of
from scheduling.wallclock import say_time


def send(planned: Iterable[Planned], *, now: dt.datetime, by: Actor) -> list[Message]:
    """Queues planned reminders, each once; where no channel is open it is stored why nothing went."""
    links: list[VisitLink] = []
    ready = [(one, _message(one, now, links, by)) for one in planned if one.lead.visit.starts_at > now]
    if not ready:
        return []
    VisitLink.objects.bulk_create(links)
    stored = store_messages([message for _, message in ready], by=by)
    notices = [
        Notice(
            practice=message.practice,
            message=message,
            appointment=ask.visit,
            kind=kind_of(ask.rule),
            rule=ask.rule,
            version=ask.visit.version,
        )
        for (one, _), message in zip(ready, stored, strict=True)
        for ask in one.asks
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    return stored


def _message(one: Planned, now: dt.datetime, links: list[VisitLink], by: Actor) -> Message:
    lead, patient = one.lead, one.patient
    channel = lead.channel or next(iter(lead.rule.channels), Channel.SMS)
    goes = bool(lead.channel)
    words = render(*_wording(one, links if goes else []), channel=channel)
    message = compose(
        patient=patient,
        contact_point=lead.point,
        channel=channel,
        kind=Message.Kind.REMINDER,
        language=patient.language,
        address=str(lead.point.value) if lead.point is not None else "",
        subject=words.subject,
        body=words.body,
        idempotency_key=key_of(one),
        created_by=by.user,
        send_after=max(one.at, now),
        useful_until=lead.visit.starts_at,
        followed=True,
    )
    hold_back(message, lead.why_not)
    if goes and message.send_after is not None and message.send_after >= lead.visit.starts_at:
        hold_back(message, "too_late")
    return message


def key_of(one: Planned) -> str:
    """Versions of the visits, rule, channel and recipient: the same reminder is never stored twice."""
    visits = "+".join(f"{ask.visit.pk}.{ask.visit.version}.{ask.rule.pk}" for ask in one.asks)
    group = hashlib.blake2s(visits.encode(), digest_size=12).hexdigest()
    lead = one.lead
    to = lead.point.value_index[:12] if lead.point is not None else "nobody"
    return f"rule:{lead.rule.pk.hex}:{group}:{lead.channel or 'none'}:{to}"


def _wording(one: Planned, links: list[VisitLink]) -> tuple[str, str, dict[str, str]]:
    """Kind of wording, language and variables."""
    practice, lead, patient = current_practice(), one.lead, one.patient
    language = patient.language
    local = local_start(lead.visit)
    link, token = new_link(lead.visit)
    links.append(link)
    variables = {
        "practice": practice_name_for(patient),
        "name": " & ".join(dict.fromkeys(called(ask) for ask in one.asks)),
        "date": say_date(local.date(), language),
        "time": say_time(local.time()),
        "phone": show_phone(str(practice.line_number)),
        "link": address_of(token),
    }
    kind = "reminder" if lead.rule.asks else "expected"
    if len(one.asks) == 1:
        return kind, language, variables
    return f"{kind}-many", language, variables | {"visits": _list(one.asks, language)}


def called(ask: Ask) -> str:
    return str(ask.visit.patient.preferred or ask.visit.patient.given)


def _list(asks: Sequence[Ask], language: str) -> str:
    """Nov 24 9:00 AM and Nov 25 10:30 AM; with first names where they are several people's."""
    several = len({ask.visit.patient_id for ask in asks}) > 1
    parts = []
    for ask in asks:
        local = local_start(ask.visit)
        who = f"{called(ask)} " if several else ""
        parts.append(f"{who}{say_short(local.date(), language)} {say_time(local.time())}")
    last = " y " if language == "es" else " and "
    return last.join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
