"""Keys of programs: stored hashed, shown once, sent as `Authorization: Bearer fd_…`."""

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotFound, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from practices import audit
from practices.access import MEMBERSHIP, PRACTICE, Admission
from practices.audit import Actor
from practices.models import ApiKey, Membership, Practice, User
from practices.prepared import Prepared
from practices.tenancy import current_practice, inside


@transaction.atomic
def create_api_key(*, user: User, name: str = "", by: Actor) -> tuple[ApiKey, str]:
    """A new key of the current practice for a member; returns the row and the key, which is not kept."""
    key = f"fd_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        practice=current_practice(),
        user=user,
        name=name,
        hint=key[-4:],
        key_hash=ApiKey.hash_of(key),
    )
    row.save(force_insert=True)
    audit.record("api_key.created", row, by=by)
    return row, key


KEY = Prepared(
    lambda hashed: ApiKey.objects.filter(key_hash=hashed, revoked_at=None).select_related("user").order_by()
)


@contextmanager
def open_practice(request: HttpRequest, slug: str) -> Iterator[None]:
    """The scope in which DRF then authenticates; none at all for a practice that does not exist."""
    practice = next(iter(PRACTICE.ask(slug=slug)), None)
    request.api_practice = practice  # type: ignore[attr-defined]
    if practice is None:
        with transaction.atomic():
            yield
        return
    with inside(practice):
        yield


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key within the practice of the URL and admits the person it acts for."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, key = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise AuthenticationFailed("Send your key as “Authorization: Bearer …”.")
        practice = getattr(request._request, "api_practice", None)
        if practice is None:
            raise NotFound
        row: ApiKey | None = next(iter(KEY.ask(hashed=ApiKey.hash_of(key))), None)
        # A key of another practice and a key of nobody look the same: this practice has no such door.
        if row is None:
            raise NotFound
        membership = next(iter(MEMBERSHIP.ask(user=row.user_id)), None)
        if membership is None:
            raise NotFound
        self._admit(request, practice, membership, row)
        return row.user, row

    def _admit(self, request: Request, practice: Practice, membership: Membership, row: ApiKey) -> None:
        membership.user = row.user
        actor = Actor("api", "api", row.user, membership, uuid.uuid4().hex[:12])
        admission = Admission(practice, membership, actor)
        view: Any = request.parser_context["view"] if request.parser_context else None
        method = (request.method or "").lower()
        permission = view.permissions.get(method)
        # A method that names no permission is closed; one that does not exist is DRF's 405.
        if hasattr(view, method) and (permission is None or not admission.may(permission)):
            raise PermissionDenied("Your role in this practice may not do that.")
        request.admission = request._request.admission = admission  # type: ignore[attr-defined]
        today = timezone.now().date()
        # Once a day, and by whoever gets there first: others must not wait for that transaction to end.
        if row.last_used_on != today and ApiKey.objects.select_for_update(
            skip_locked=True, of=("self",)
        ).filter(pk=row.pk):
            ApiKey.objects.filter(pk=row.pk).update(last_used_on=today)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Front Desk"'


class AdmittedOnly(BasePermission):
    """DRF's default permission: nothing is open unless the gate let the request through."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return getattr(request, "admission", None) is not None
