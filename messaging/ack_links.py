"""The link by which a colleague takes an urgent message: no sign-in, nothing of a patient behind it.

A token is the practice's code, 128 secret bits, and the colleague it was sent to, signed. Its secret is
derived from the message and kept as a hash, so a repeated text carries the same link.
"""

import base64
import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from messaging.models import StaffMessage
from practices.models import Membership, Practice, User
from practices.tenancy import current_practice, inside

SECRET_LETTERS = 22
LIVES = dt.timedelta(days=2)
SALT = "messaging.ack_links"


class UnknownLink(LookupError):
    """No practice has such a link: the door answers 404 and nothing else."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened link: the message, the colleague it was sent to, and whether its time is over."""

    message: StaffMessage
    user: User
    membership: Membership
    expired: bool

    @property
    def practice(self) -> Practice:
        practice: Practice = self.message.practice
        return practice


def _letters(what: str, count: int) -> str:
    digest = salted_hmac(SALT, what, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode()[:count]


def secret_of(message_id: uuid.UUID) -> str:
    """The secret part of a message's links."""
    return _letters(f"secret:{message_id}", SECRET_LETTERS)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _signature(message_id: uuid.UUID, user_id: int) -> str:
    return _letters(f"for:{message_id}:{user_id}", 10)


def address_for(message: StaffMessage, user: User) -> str:
    """The full address of the link for one colleague."""
    code = current_practice().link_code
    person = f"{user.pk}.{_signature(message.pk, user.pk)}"
    return f"{settings.PUBLIC_URL}/a/{code}{secret_of(message.pk)}.{person}/"


@contextmanager
def open_link(token: str) -> Iterator[Opened]:
    """Opens the practice of a token, in a transaction, and gives the message; writes nothing.

    Raises UnknownLink for a token that is none, or of somebody who does not work there any more.
    """
    head, _, person = token.partition(".")
    user_id, _, signature = person.partition(".")
    code, secret = head[:-SECRET_LETTERS], head[-SECRET_LETTERS:]
    sane = 0 < len(code) <= 8 and code.isalnum() and user_id.isascii() and user_id.isdigit()
    practice = Practice.objects.filter(link_code=code).first() if sane and len(user_id) <= 9 else None
    if practice is None:
        raise UnknownLink
    with inside(practice):
        yield _opened(secret, int(user_id), signature)


def _opened(secret: str, user_id: int, signature: str) -> Opened:
    rows = StaffMessage.objects.select_related("practice", "acknowledged_by", "done_by")
    message = rows.filter(ack_token_hash=hash_of(secret)).first()
    if message is None or not constant_time_compare(_signature(message.pk, user_id), signature):
        raise UnknownLink
    membership = Membership.objects.active().select_related("user").filter(user_id=user_id).first()
    if membership is None:
        raise UnknownLink
    expired = message.created_at + LIVES <= timezone.now()
    return Opened(message, membership.user, membership, expired)
