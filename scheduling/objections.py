"""What is shown of a chosen time: why it fits, or what it breaks and how it can be had all the same."""

from dataclasses import replace

from scheduling.drafts import Draft, Slot
from scheduling.fitting import NEED, TAKEN, Break, Fit, judge
from scheduling.judging import judged
from scheduling.needs import wants_of
from scheduling.search import Search


def fit_of_choice(draft: Draft, ahead: Search | None = None) -> Fit | None:
    """The chosen time of a draft, judged by what is known of the weeks ahead; None while none is chosen."""
    slot, kind, fit = draft.slot, draft.kind, draft.fit
    if slot is None or kind is None:
        return None
    if fit is not None and (fit.practitioner.pk, fit.starts_at) == (slot.practitioner.pk, slot.starts_at):
        return fit
    if draft.leaves:
        ahead = None  # there the visit still has its interpreter and its room, and would be in its own way
    places = [person.pk for person in ahead.people] if ahead is not None else []
    day = slot.starts_at.astimezone(draft.diary.practice.zone).date()
    if ahead is not None and slot.practitioner.pk in places and ahead.first <= day < ahead.last:
        return judged(ahead, int(slot.starts_at.timestamp()), places.index(slot.practitioner.pk))
    return judge(
        appointment_type=kind,
        practitioner=slot.practitioner,
        starts_at=slot.starts_at,
        patient=draft.patient,
        needs=draft.needs,
        own_hold=draft.hold_key,
        leaves=draft.leaves,
    )


def objections(fit: Fit | None) -> tuple[Break, ...]:
    """What it breaks of hours, rules and needs; that it is taken is said by whoever cannot hold it."""
    return tuple(one for one in fit.breaks if one.kind != TAKEN) if fit is not None else ()


def unmet_needs(draft: Draft, slot: Slot) -> tuple[Break, ...]:
    """What the patient needs and would not have then; few queries for somebody who needs nothing."""
    wants = wants_of(draft.patient, draft.needs)
    if draft.kind is None or not wants.bind:
        return ()
    draft.fit = judge(
        appointment_type=draft.kind,
        practitioner=slot.practitioner,
        starts_at=slot.starts_at,
        patient=draft.patient,
        wants=wants,
        own_hold=draft.hold_key,
        leaves=draft.leaves,
    )
    return draft.fit.broken(NEED)


def newly_unmet(draft: Draft, slot: Slot, before: Slot) -> tuple[Break, ...]:
    """What the patient needs, has at the time before and would not have at the new one."""
    unmet = unmet_needs(draft, slot)
    missed_already = unmet_needs(replace(draft), before) if unmet else ()
    return tuple(one for one in unmet if one not in missed_already)
