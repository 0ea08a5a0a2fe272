"""Who gets a message of the staff when nobody is named, how urgent it is, and by when it is answered."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from messaging.models import Recipient, RoutingRule, StaffMessage
from messaging.on_call import ranks_at
from practices import audit
from practices.audit import Actor
from practices.models import Membership, Role, User
from practices.tenancy import current_practice

Kind, Urgency = StaffMessage.Kind, StaffMessage.Urgency
ROLES = {Role.RECEPTIONIST: "front desk", Role.CLINICIAN: "clinicians", Role.MANAGER: "managers"}

# What a practice that has set nothing wants: kind → recipient, role, urgency, minutes of office time.
USUAL: dict[str, tuple[str, str, int, int]] = {
    Kind.CLINICAL: (Recipient.ON_CALL, "", Urgency.TODAY, 120),
    Kind.REFILL: (Recipient.ROLE, Role.CLINICIAN, Urgency.TODAY, 240),
    Kind.RESULTS: (Recipient.ROLE, Role.CLINICIAN, Urgency.TODAY, 240),
    Kind.BILLING: (Recipient.ROLE, Role.MANAGER, Urgency.ROUTINE, 480),
    Kind.REFERRAL: (Recipient.ROLE, Role.RECEPTIONIST, Urgency.TODAY, 240),
    Kind.COMPLAINT: (Recipient.ROLE, Role.MANAGER, Urgency.TODAY, 120),
    Kind.OTHER: (Recipient.ROLE, Role.RECEPTIONIST, Urgency.ROUTINE, 480),
}


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages of a kind go."""

    recipient: str
    to_user: User | None
    to_role: str
    urgency: int
    answer_within_minutes: int


@dataclass(frozen=True, slots=True)
class Reached:
    """The people a message reaches now; `why` says that they are not the ones who were meant."""

    people: list[User]
    why: str = ""

    @property
    def names(self) -> str:
        return join([person.short_name for person in self.people])


def join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def route_for(kind: str) -> Route:
    """The practice's route for a kind, or the usual one where it has set none."""
    rule = RoutingRule.objects.filter(kind=kind).select_related("to_user").first()
    return _of_rule(rule) if rule else usual_route(kind)


def usual_route(kind: str) -> Route:
    recipient, role, urgency, minutes = USUAL[kind]
    return Route(recipient, None, role, urgency, minutes)


def _of_rule(rule: RoutingRule) -> Route:
    return Route(rule.recipient, rule.to_user, rule.to_role, rule.urgency, rule.answer_within_minutes)


def routes() -> dict[str, Route]:
    """All routes by kind, in one query."""
    set_here = {rule.kind: _of_rule(rule) for rule in RoutingRule.objects.select_related("to_user")}
    return {kind: set_here.get(kind) or usual_route(kind) for kind in Kind.values}


@transaction.atomic
def save_route(*, kind: str, route: Route, by: Actor) -> RoutingRule:
    """Sets where messages of a kind go; ValueError in words for a route to nobody."""
    if route.recipient == Recipient.PERSON and route.to_user is None:
        raise ValueError("Choose the person.")
    if route.recipient == Recipient.ROLE and route.to_role not in Role.values:
        raise ValueError("Choose the role.")
    rule = RoutingRule.objects.select_for_update().filter(kind=kind).first() or RoutingRule(kind=kind)
    before = [rule.recipient, rule.urgency, rule.answer_within_minutes]
    rule.practice, rule.recipient = current_practice(), route.recipient
    rule.to_user = route.to_user if route.recipient == Recipient.PERSON else None
    rule.to_role = route.to_role if route.recipient == Recipient.ROLE else ""
    rule.urgency, rule.answer_within_minutes = route.urgency, route.answer_within_minutes
    rule.save()
    after = [rule.recipient, rule.urgency, rule.answer_within_minutes]
    if before != after:
        audit.record("routing.changed", rule, by=by, changes={kind: [before, after]})
    return rule


@dataclass(frozen=True, slots=True)
class House:
    """Who works here and who is on call, read once for many messages."""

    members: list[Membership]
    on_call: list[list[User]]  # by rank

    @classmethod
    def now(cls, moment: dt.datetime | None = None) -> "House":
        members = Membership.objects.active().select_related("user").order_by("user__given_name", "pk")
        return cls(list(members), ranks_at(moment or timezone.now()))

    def with_role(self, role: str) -> list[User]:
        return [member.user for member in self.members if member.has(role)]

    def works_here(self, user_id: int | None) -> bool:
        return any(member.user_id == user_id for member in self.members)

    def reached(self, recipient: str, to_user: User | None = None, to_role: str = "") -> Reached:
        """Who is reached; where there is nobody it is the managers, and `why` says so."""
        if recipient == Recipient.PERSON:
            people = [to_user] if to_user is not None and self.works_here(to_user.pk) else []
            why = f"{to_user.short_name if to_user else 'This person'} does not work here any more."
        elif recipient == Recipient.ROLE:
            people = self.with_role(to_role)
            why = f"There is nobody among the {ROLES.get(Role(to_role), to_role)}."
        else:
            people, why = self.on_call[0] if self.on_call else [], "Nobody is on call now."
        if people:
            return Reached(people)
        managers = self.with_role(Role.MANAGER)
        return Reached(managers, why if managers else f"{why} There is no manager either.")

    def of(self, message: StaffMessage) -> Reached:
        return self.reached(message.recipient, message.to_user, message.to_role)


def goes_to(recipient: str, to_user: User | None, to_role: str, house: House) -> str:
    """“Goes to the clinicians: Ama and Ben.” for the form, before anything is saved."""
    reached = house.reached(recipient, to_user, to_role)
    if not reached.people:
        return f"{reached.why} Add somebody in the settings, or choose a person."
    if reached.why:
        return f"{reached.why} Goes to the managers: {reached.names}."
    if recipient == Recipient.ROLE:
        return f"Goes to the {ROLES[Role(to_role)]}: {reached.names}."
    if recipient == Recipient.ON_CALL:
        return f"Goes to whoever is on call: now {reached.names}."
    return f"Goes to {reached.names}."


def for_whom(message: StaffMessage) -> str:
    """For whom a message is, in a word or two."""
    if message.recipient == Recipient.PERSON and message.to_user is not None:
        return message.to_user.short_name
    if message.recipient == Recipient.ROLE:
        return f"the {ROLES.get(Role(message.to_role), message.to_role)}"
    return "whoever is on call"
