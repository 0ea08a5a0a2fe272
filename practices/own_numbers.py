"""The telephone numbers of a person at a practice: each person sets her own."""

from django.db import transaction

from practices import audit, changes
from practices.audit import Actor
from practices.models import Membership
from practices.tenancy import current_practice


@transaction.atomic
def set_numbers(*, membership: Membership, desk_phone: str, mobile: str, by: Actor) -> Membership:
    """Keeps where calls ring and where urgent texts go, as E.164 or empty."""
    row = Membership.objects.select_for_update().get(pk=membership.pk)
    before = {"desk_phone": str(row.desk_phone or ""), "mobile": str(row.mobile or "")}
    wanted = {"desk_phone": desk_phone, "mobile": mobile}
    changed = {name: [before[name], wanted[name]] for name in wanted if before[name] != wanted[name]}
    if changed:
        row.desk_phone, row.mobile = desk_phone, mobile
        row.save(update_fields=list(changed))
        audit.record("member.numbers-changed", row, by=by, changes=changed)
        changes.announce(current_practice(), "calls")
    return row
