"""Whose messages are whose: what waits for a person, in one query, with the count of the rail."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from messaging.models import OnCallShift, Recipient, StaffMessage, StaffMessageQuerySet
from practices.models import Membership, Role


def hers(member: Membership) -> StaffMessageQuerySet:
    """The messages that are a person's: by name, by role, by being on call, or as a manager for nobody.

    One that somebody else accepted is hers no more.
    """
    on_call = OnCallShift.objects.filter(starts_at__lte=timezone.now(), ends_at__gt=timezone.now())
    mine = Q(recipient=Recipient.PERSON, to_user=member.user_id)
    mine |= Q(recipient=Recipient.ROLE, to_role__in=member.roles)
    mine |= Q(Exists(on_call.filter(user=member.user_id)), recipient=Recipient.ON_CALL)
    if Role.MANAGER in member.roles:
        mine |= nobodys(on_call)
    return StaffMessage.objects.filter(
        Q(acknowledged_by=member.user_id) | (mine & Q(acknowledged_at=None, done_at=None))
    )


def nobodys(on_call: "QuerySet[OnCallShift]") -> Q:
    """Messages that reach none of those who were meant: they are with the managers."""
    here = Membership.objects.active()
    nobody = Q(~Exists(on_call.filter(user__in=here.values("user"))), recipient=Recipient.ON_CALL)
    nobody |= Q(~Exists(here.filter(user=OuterRef("to_user"))), recipient=Recipient.PERSON)
    for role in Role.values:
        empty = ~Exists(here.filter(roles__contains=[role]))
        nobody |= Q(empty, recipient=Recipient.ROLE, to_role=role)
    return nobody


def unacknowledged_for(member: Membership) -> int:
    """How many messages wait for this person's word; for the rail, in one query."""
    return hers(member).unacknowledged().count()
