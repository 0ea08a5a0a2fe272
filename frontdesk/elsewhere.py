"""What a person does in one practice and what it means for her calls of the others."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from messaging import calls
from messaging.models import Call
from practices.access import admit, practices_where
from practices.models import Practice, User


def hold_calls(user: User, *, but: Practice) -> None:
    """Puts the calls on hold that the person speaks on for her other practices: she has one mouth.

    Happens in the transaction that is open, after the verb that may be refused.
    """
    for practice in practices_where(user, "call.handle"):
        if practice == but:
            continue
        try:
            with admit(user, practice.slug, "call.handle", door="page") as admission:
                for call in Call.objects.of(user).filter(status=Call.Status.LIVE):
                    calls.hold_call(call=call, by=admission.actor)
        except (Http404, PermissionDenied):
            continue
