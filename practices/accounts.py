"""allauth's adapter and the trace of sign-ins: nobody registers alone, and coming and going is recorded."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from practices import audit
from practices.access import practices_of
from practices.audit import Actor
from practices.models import Membership, User
from practices.tenancy import inside


class InvitedOnly(DefaultAccountAdapter):
    """People are added by `manage.py add_member` or a manager, never by a public form."""

    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "The address and the password do not belong together. Try again.",
        "too_many_login_attempts": "Too many tries. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def leave_trace(verb: str, user: User) -> None:
    """An audit entry in each practice the person works for: that is where she could see something."""
    actor = Actor(kind="staff", door="sign-in", user=user)
    for practice in practices_of(user):
        with inside(practice):
            audit.record(verb, Membership.objects.get(user=user), by=actor)


@receiver(user_logged_in)
def signed_in(user: User, request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None and request.session.pop("started_at", None) is not None:
        # A session of before, of the same person: its hours and its key are over.
        request.session.pop("seen_at", None)
        request.session.cycle_key()
    leave_trace("person.signed_in", user)


@receiver(user_logged_out)
def signed_out(user: User | None, **_: Any) -> None:
    if user is not None:
        leave_trace("person.signed_out", user)


@receiver(user_login_failed)
def sign_in_failed(credentials: dict[str, Any], **_: Any) -> None:
    """For an address we know; what else was typed is not kept."""
    email = str(credentials.get("email") or credentials.get("username") or credentials.get("login") or "")
    user = User.objects.filter(email__iexact=email[:254]).first() if email else None
    if user is not None:
        leave_trace("person.sign_in_failed", user)
