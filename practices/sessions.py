"""Who is signed in: session and user are asked with every request, so they are prepared questions."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from practices.models import User
from practices.prepared import Prepared

SESSION = Prepared(lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now), owned=False)
USER = Prepared(lambda pk: User.objects.filter(pk=pk).order_by(), owned=False)


class SessionStore(DatabaseStore):
    """Django's sessions in the database."""

    def _get_session_from_db(self) -> Session | None:
        found = next(iter(SESSION.ask(key=self.session_key, now=timezone.now())), None)
        if found is None:
            self._session_key = None
        return found


class SignedIn(AuthenticationBackend):  # type: ignore[misc]
    """allauth's way of signing in by address and password."""

    def get_user(self, user_id: Any) -> User | None:
        found: User | None = next(iter(USER.ask(pk=user_id)), None)
        return found if found is not None and self.user_can_authenticate(found) else None
