"""What stands in a practice from day to day: telephones, card, rules, who is on call."""

import datetime as dt

from frontdesk.demo import cards
from frontdesk.demo.filling import Desk
from frontdesk.demo.houses import HARBOR
from messaging import on_call, routing, saved_replies
from messaging.models import DeskRules, OnCallShift, Recipient, RoutingRule, SavedReply, StaffMessage
from messaging.routing import Route
from patients.models import Channel
from practices.card import current_card, save_card
from practices.models import Membership, Role, User
from scheduling.models import AppointmentType, ReminderRule
from scheduling.rules import save_rule

# Numbers kept for fiction, of an area code in which no patient of the demo lives.
DESK_PHONES = {"dana": "+18025550111", "jo": "+18025550112"}
MOBILES = {
    "dana": "+18025550131",
    "jo": "+18025550132",
    "osei": "+18025550133",
    "mira": "+18025550134",
    "feld": "+18025550135",
    "mori": "+18025550136",
}
ROSTER_DAYS = 7
DAY_ENDS, DAY_BEGINS = dt.time(17), dt.time(8)


def settle_in(desk: Desk) -> None:
    """Writes down what a practice has decided, where it has not yet, and who is on call this week."""
    _telephones()
    if current_card().number == 0:
        save_card(content=cards.CARDS[desk.house.slug], base=0, by=desk.by)
    if not SavedReply.objects.exists():
        for name, english, spanish in cards.SAVED_REPLIES:
            saved_replies.save_reply(reply=None, name=name, body_en=english, body_es=spanish, by=desk.by)
    if not DeskRules.objects.exists():
        DeskRules.objects.create(practice=desk.practice, escalate_every_minutes=2, escalate_times=5)
    _routes(desk)
    _reminders(desk)
    _roster(desk)


def _telephones() -> None:
    for one in Membership.objects.select_related("user").filter(desk_phone="", mobile=""):
        name = one.user.email.partition("@")[0]
        one.desk_phone, one.mobile = DESK_PHONES.get(name, ""), MOBILES.get(name, "")
        one.save(update_fields=["desk_phone", "mobile"])


def _routes(desk: Desk) -> None:
    """Two kinds go where this practice wants them; the others by the usual route."""
    if RoutingRule.objects.exists():
        return
    kinds, urgency = StaffMessage.Kind, StaffMessage.Urgency
    on_duty = Route(Recipient.ON_CALL, None, "", urgency.TODAY, 60)
    routing.save_route(kind=kinds.CLINICAL, route=on_duty, by=desk.by)
    digest = Route(Recipient.ROLE, None, Role.RECEPTIONIST, urgency.ROUTINE, 480)
    routing.save_route(kind=kinds.REFERRAL, route=digest, by=desk.by)


def _reminders(desk: Desk) -> None:
    """Two days before by text, else by e-mail, else by a call; new patients also a week before."""
    if ReminderRule.objects.filter(hours_before__isnull=False).exists():
        return
    usual = [Channel.SMS, Channel.EMAIL, Channel.CALL]
    ReminderRule.objects.filter(appointment_type=None).update(channels=usual)
    new = AppointmentType.objects.filter(for_new_patients=True).first()
    plan = {"days_before": None, "hours_before": None, "at": None, "channels": [Channel.SMS], "asks": True}
    if new is not None:
        week = {"days_before": 7, "at": dt.time(10), "channels": [Channel.EMAIL, Channel.SMS]}
        two_days = {"days_before": 2, "at": dt.time(10), "channels": usual}
        for more in (week, two_days):
            save_rule(rule=None, values=plan | {"appointment_type": new} | more, by=desk.by)
    short = {"appointment_type": None, "hours_before": 2, "asks": False}
    save_rule(rule=None, values=plan | short, by=desk.by)


def _roster(desk: Desk) -> None:
    """Nights and days of the week to come, with somebody behind the first."""
    people = _on_call_people(desk)
    if not people:
        return
    for ahead in range(-1, ROSTER_DAYS):
        day = desk.today + dt.timedelta(days=ahead)
        starts = on_call.instant(day, DAY_BEGINS, desk.practice.zone)
        ends = on_call.instant(day + dt.timedelta(days=1), DAY_BEGINS, desk.practice.zone)
        if OnCallShift.objects.filter(starts_at__gte=starts, starts_at__lt=ends).exists():
            continue
        for rank, user in enumerate(people, 1):
            on_call.save_shift(user=user, rank=rank, starts_at=starts, ends_at=ends, by=desk.by)


def _on_call_people(desk: Desk) -> list[User]:
    """The clinician who signs in first, then whoever leads the house, then the desk."""
    order = [Role.CLINICIAN, Role.MANAGER, Role.RECEPTIONIST]
    people = list(Membership.objects.active().select_related("user").order_by("user__email"))
    ranked = [one.user for role in order for one in people if one.has(role)]
    return ranked[: 3 if desk.house.slug == HARBOR.slug else 2]
