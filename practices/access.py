"""The one gate: who may come in, and what the practice's roles may do.

Every page and every API door passes `admit`: a stranger sees 404, a member without the right 403. The
gate opens the practice's scope and transaction, so a view that forgets it can read no row.
"""

import functools
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django_htmx.middleware import HtmxDetails
from django_scopes import scopes_disabled

from practices.audit import Actor
from practices.idle import has_lapsed
from practices.models import Membership, Practice, Role, User
from practices.prepared import Prepared
from practices.tenancy import inside

# At most one row each: `first` would sort by every column that is read.
PRACTICE = Prepared(lambda slug: Practice.objects.filter(slug=slug).order_by(), owned=False)
MEMBERSHIP = Prepared(lambda user: Membership.objects.active().filter(user=user).order_by())
R, C, M = Role.RECEPTIONIST, Role.CLINICIAN, Role.MANAGER

# Permission → roles. A door names one of these and nothing else.
PERMISSIONS: dict[str, frozenset[Role]] = {
    "desk.view": frozenset({R, C, M}),  # the shell, preferences, live updates
    "board.view": frozenset({R, C, M}),
    "day.view": frozenset({C, M, R}),
    "patient.search": frozenset({R, C, M}),
    "patient.view": frozenset({R, C, M}),
    "patient.change": frozenset({R, C, M}),
    "appointment.view": frozenset({R, C, M}),
    "appointment.book": frozenset({R, C, M}),
    "appointment.change": frozenset({R, C, M}),
    "appointment.flow": frozenset({R, C, M}),  # arrived, in visit, done, no-show
    "appointment.overbook": frozenset({C, M}),  # beside others, outside hours; see GRANTS
    "follow-up.view": frozenset({R, C, M}),
    "follow-up.change": frozenset({R, C, M}),  # order, ask, book, put off, end
    "calendar.change": frozenset({C, M}),  # a clinician her own; a manager anybody’s
    "audit-schedule.view": frozenset({R, C, M}),
    "audit-schedule.change": frozenset({R, M}),  # settle a finding, open it again
    "delay.view": frozenset({R, C, M}),
    "delay.change": frozenset({R, C, M}),  # a clinician her own; whoever works at the desk anybody’s
    "out.change": frozenset({R, C, M}),  # a clinician is out: time off, what becomes of each visit, the press
    "waitlist.view": frozenset({R, C, M}),
    "waitlist.change": frozenset({R, C, M}),  # put on and off, ask, book from it
    "message.view": frozenset({R, C, M}),
    "message.send": frozenset({R, C, M}),
    "inbox.view": frozenset({R, C, M}),
    "inbox.change": frozenset({R, C, M}),  # assign, put off, close, note
    "broadcast.send": frozenset({R, M}),
    "call.view": frozenset({R, C, M}),
    "call.handle": frozenset({R, C, M}),  # answer, hold, transfer, log, write the note
    "recording.hear": frozenset({R, C, M}),
    "identity.check": frozenset({R, C, M}),
    "identity.override": frozenset({R, C, M}),  # with a reason, which is kept
    "staff-message.view": frozenset({R, C, M}),
    "staff-message.send": frozenset({R, C, M}),
    "complaint.view": frozenset({R, M}),
    "complaint.change": frozenset({R, M}),
    "card.view": frozenset({R, C, M}),
    "queue.view": frozenset({R, C, M}),
    "queue.change": frozenset({R, C, M}),
    "review.view": frozenset({R, M}),
    "review.change": frozenset({R, M}),
    "practice.view": frozenset({R, C, M}),
    "practice.change": frozenset({M}),
    "audit.view": frozenset({M}),
}

# Permission → the field of a membership by which a manager gives it to one person beyond her roles.
GRANTS = {"appointment.overbook": "may_overbook"}


def allows(membership: Membership, permission: str) -> bool:
    """Whether a person's roles, or what she was given herself, allow this."""
    given = GRANTS.get(permission)
    return bool(PERMISSIONS[permission].intersection(membership.roles)) or bool(
        given and getattr(membership, given)
    )


@dataclass(frozen=True, slots=True)
class Admission:
    """What the gate hands out: the practice, the person's place in it, and who acts."""

    practice: Practice
    membership: Membership
    actor: Actor

    def may(self, permission: str) -> bool:
        return allows(self.membership, permission)


class DeskRequest(HttpRequest):
    """A request that passed the gate."""

    user: User
    admission: Admission
    practice: Practice
    actor: Actor
    htmx: HtmxDetails
    practices: list[Practice]  # of streams: what is listened to
    permission: str  # of views under /all/: what `admissions` asks each practice for
    door: str
    waiting: int  # rows of “Needs you”, where the view counted them for the rail too
    still_admitted: Callable[[], Awaitable[bool]]  # of streams only


@contextmanager
def admit(user: User | AnonymousUser, slug: str, permission: str, *, door: str) -> Iterator[Admission]:
    """Opens the practice for a person who may do `permission`; Http404 for a stranger, else PermissionDenied.

    The membership is read anew each time: one that was taken away ends with the next request.
    """
    practice = next(iter(PRACTICE.ask(slug=slug)), None)
    if practice is None or not user.is_authenticated:
        raise Http404
    with inside(practice):
        membership = next(iter(MEMBERSHIP.ask(user=user.pk)), None)
        if membership is None:
            raise Http404
        membership.user = user
        actor = Actor(
            kind="api" if door == "api" else "staff",
            door=door,
            user=user,
            membership=membership,
            request_id=uuid.uuid4().hex[:12],
        )
        admission = Admission(practice, membership, actor)
        if not admission.may(permission):
            raise PermissionDenied
        yield admission


DeskView = Callable[..., HttpResponse]
AsyncView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def requires(permission: str, *, door: str = "page") -> Callable[[DeskView], Callable[..., HttpResponseBase]]:
    """Puts the gate before a view under `/p/<slug:practice>/`; the view gets a DeskRequest."""
    if permission not in PERMISSIONS:
        raise KeyError(permission)

    def decorate(view: DeskView) -> Callable[..., HttpResponseBase]:
        @functools.wraps(view)
        def gated(request: DeskRequest, practice: str, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return sign_in_first(request)
            with admit(request.user, practice, permission, door=door) as admission:
                request.admission, request.practice, request.actor = (
                    admission,
                    admission.practice,
                    admission.actor,
                )
                try:
                    # What a template draws and a form reads is the practice's wall clock.
                    with timezone.override(admission.practice.zone):
                        response = view(request, **kwargs)
                except Exception:
                    # The error page is drawn after the scope has closed: it must not ask for rows.
                    del request.admission
                    raise
                if response.status_code >= 500:
                    transaction.set_rollback(True)
                return response

        gated.permission = permission  # type: ignore[attr-defined]
        return gated

    return decorate


def everywhere(
    permission: str, *, door: str = "page"
) -> Callable[[DeskView], Callable[..., HttpResponseBase]]:
    """Puts the gate before a view under `/all/`, which looks at all practices of the signed-in person.

    No scope is open in the view: it goes through `admissions(request)`, one practice at a time. A person
    who may do `permission` nowhere sees 404.
    """
    if permission not in PERMISSIONS:
        raise KeyError(permission)

    def decorate(view: DeskView) -> Callable[..., HttpResponseBase]:
        @functools.wraps(view)
        def gated(request: DeskRequest, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return sign_in_first(request)
            request.permission, request.door = permission, door
            return view(request, **kwargs)

        gated.permission = permission  # type: ignore[attr-defined]
        gated.everywhere = True  # type: ignore[attr-defined]
        return gated

    return decorate


def admissions(request: DeskRequest) -> Iterator[Admission]:
    """Each practice in which the person may do what the view asks for, opened one after the other.

    Inside the loop the practice's scope and transaction are open, and its wall clock is the current one.
    Raises Http404 at the end when there was none. Go through to the end: a loop that breaks off rolls back.
    """
    found = False
    for practice in practices_of(request.user):
        try:
            with admit(request.user, practice.slug, request.permission, door=request.door) as admission:
                found = True
                with timezone.override(admission.practice.zone):
                    yield admission
        except PermissionDenied:
            continue
    if not found:
        raise Http404


def everywhere_stream(permission: str) -> Callable[[AsyncView], AsyncView]:
    """Puts the gate before an asynchronous view under `/all/` that stays open; it holds no connection.

    The view finds the practices in which the person may do `permission` in `request.practices`, and asks
    `await request.still_admitted()` whether person, session and exactly these practices still stand.
    """
    if permission not in PERMISSIONS:
        raise KeyError(permission)

    def decorate(view: AsyncView) -> AsyncView:
        @functools.wraps(view)
        async def gated(request: DeskRequest, **kwargs: Any) -> HttpResponseBase:
            def enter() -> list[Practice] | None:
                try:
                    if not request.user.is_authenticated or has_lapsed(request.session):
                        return None
                    return practices_where(request.user, permission)
                finally:
                    connection.close()

            async def still_admitted() -> bool:
                # The session is read anew: signing out or sitting idle elsewhere ends the stream too.
                request.session = type(request.session)(request.session.session_key)
                return await sync_to_async(enter)() == request.practices

            practices = await sync_to_async(enter)()
            if practices is None:
                return HttpResponse(status=401)
            if not practices:
                raise Http404
            request.practices, request.still_admitted = practices, still_admitted
            return await view(request, **kwargs)

        gated.permission = permission  # type: ignore[attr-defined]
        gated.everywhere = True  # type: ignore[attr-defined]
        return gated

    return decorate


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Sends a person to sign in and back; a fragment is told to load the whole page."""
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=401)
        response["HX-Refresh"] = "true"
        return response
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")


def public_door(reason: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks a view that lets strangers in, and says what protects it instead of the gate."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        view.public_door = reason  # type: ignore[attr-defined]
        return view

    return decorate


def practices_of(user: User) -> list[Practice]:
    """The practices a person works for, by name; for the switcher."""
    return [place.practice for place in places_of(user)]


def practices_where(user: User, permission: str) -> list[Practice]:
    """The practices in which a person who may still sign in may do `permission`, by name."""
    return [p.practice for p in places_of(user) if user.is_active and allows(p, permission)]


def _places(user: Any) -> Any:
    with scopes_disabled():
        return Membership.objects.filter(user=user, active=True).select_related("practice").order_by()


PLACES = Prepared(_places, owned=False)


def places_of(user: User) -> list[Membership]:
    """A person's memberships that stand, with their practices, by the practice's name."""
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(user.pk)])
        places: list[Membership] = PLACES.ask(user=user.pk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.user_id', '', true)")
    return sorted(places, key=lambda place: place.practice.name)
