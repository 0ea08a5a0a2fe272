"""What stands around every page: the rail, the switcher, and where the shell's own buttons lead."""

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from frontdesk.queue import queue_count
from frontdesk.strip import Strip, strip_for, strip_of
from messaging.lines import words_of
from messaging.listing import to_do_count
from messaging.staff_lists import unacknowledged_for
from practices.access import Admission, practices_of
from practices.models import Practice, Role, User
from scheduling.due_list import count_to_do

# (URL name, icon, label, group, key, permission)
RAIL = (
    ("today", "calendar", "Today", "Work", "g t", "board.view"),
    ("queue", "queue", "Needs you", "Work", "g q", "queue.view"),
    ("inbox", "inbox", "Inbox", "Work", "g i", "inbox.view"),
    ("patients", "users", "Patients", "Work", "g p", "patient.search"),
    ("team", "note", "Team messages", "Work", "g e", "staff-message.view"),
    ("phones", "phone", "Phones", "Work", "g o", "call.view"),
    ("complaints", "flag", "Complaints", "Work", "g c", "complaint.view"),
    ("follow-ups", "recall", "Follow-ups", "Follow-through", "g f", "follow-up.view"),
    ("waitlist", "waitlist", "Waitlist", "Follow-through", "g l", "waitlist.view"),
    ("card", "card", "Practice card", "The day", "g k", "card.view"),
    ("day", "stetho", "Your day", "The day", "g d", "day.view"),
    ("audit", "shield-ok", "Schedule audit", "The day", "g a", "audit-schedule.view"),
    ("reminders", "send", "Reminders", "The day", "g r", "message.view"),
    ("broadcasts", "msg", "Write to many", "The day", "g b", "broadcast.send"),
    ("morning", "sunrise", "Morning review", "The day", "g m", "review.view"),
    ("wrap", "sunset", "Wrap-up", "The day", "g w", "review.view"),
)


DEMO_SIGN_INS = {
    "demo_sign_ins": [
        {"email": "dana@frontdesk.example", "role": "receptionist in all three practices"},
        {"email": "osei@frontdesk.example", "role": "clinician of Harbor Street"},
        {"email": "mira@frontdesk.example", "role": "manager of Harbor Street"},
    ],
    "demo_password": "front-desk-demo",
}


def context(request: HttpRequest) -> dict[str, Any]:
    """The shell's context for a page inside a practice; nothing elsewhere and nothing for fragments."""
    admission: Admission | None = getattr(request, "admission", None)
    if admission is None and settings.FRONTDESK_MODE == "demo" and not signed_in(request):
        return DEMO_SIGN_INS
    if request.headers.get("HX-Request") == "true":
        return {"practice": admission.practice, "membership": admission.membership} if admission else {}
    if admission is None:
        # Under /all/ no practice's scope is open: the frame stands without the rail of one practice.
        return frame(request) if hasattr(request, "permission") and signed_in(request) else {}
    practice = admission.practice
    whole = frame(request)
    whole["shell"] |= {
        "role": ", ".join(Role(role).label for role in admission.membership.roles),
        "search_url": reverse("patient-search", args=[practice.slug]),
        "changes_url": reverse("changes", args=[practice.slug]),
        "log_call_url": reverse("call-log", args=[practice.slug]) if admission.may("call.handle") else "",
        "numbers_url": reverse("own-numbers", args=[practice.slug]),
    }
    return whole | {
        "practice": practice,
        "membership": admission.membership,
        "line_words": words_of(practice),
        "nav": rail(request, admission),
        "nav_foot": foot(request, admission),
    }


def frame(request: HttpRequest) -> dict[str, Any]:
    """What stands around a page whatever practice it is of, in one query."""
    return {
        "practices": switcher(cast(User, request.user)),
        "shell": {
            "live_url": reverse("all-live"),
            "calls_url": reverse("all-calls"),
            # Said by the last strip that was drawn: this page has it from the start, so that nothing jumps.
            # A callable: pages without the frame do not ask for it.
            "strip": lambda: calls_now(request) if request.COOKIES.get("calls") == "1" else None,
            "preferences_url": reverse("preferences"),
            "lock_url": reverse("lock"),
            "sign_out_url": reverse("account_logout"),
            "idle_minutes": settings.IDLE_SIGN_OUT_SECONDS // 60,
        },
    }


def calls_now(request: HttpRequest) -> Strip:
    """The strip of the person who asks, over all her practices."""
    return strip_of(part for _, part in strip_for(cast(User, request.user)))


def signed_in(request: HttpRequest) -> bool:
    """An answer from before the session was read has nobody in it."""
    user = getattr(request, "user", None)
    return user is not None and user.is_authenticated


def switcher(user: User) -> list[dict[str, Any]]:
    return [
        {
            "slug": practice.slug,
            "name": practice.name,
            "monogram": practice.monogram,
            "colour": practice.colour,
            "url": reverse("practice-home", args=[practice.slug]),
        }
        for practice in practices_of(user)
    ]


def rail(request: HttpRequest, admission: Admission) -> list[dict[str, Any]]:
    waiting = getattr(request, "waiting", None)
    if waiting is None:
        complaints = admission.may("complaint.view")
        waiting = (
            queue_count(admission.practice, viewer=admission.actor.user, complaints=complaints)
            if admission.may("queue.view")
            else 0
        )
    return [
        {
            "url": url,
            "icon": icon,
            "label": label,
            "group": group,
            "key": key,
            "id": name,
            "current": request.path.startswith(url),
            "count": waiting if name == "queue" else count_of(name, admission),
            "hot": name == "queue" and bool(waiting),
        }
        for name, icon, label, group, key, permission in RAIL
        if admission.may(permission) and not (name == "day" and not admission.membership.has(Role.CLINICIAN))
        if (url := address(name, admission.practice))
    ]


def count_of(name: str, admission: Admission) -> int | None:
    """What a rail entry counts for this person, besides “Needs you”."""
    if name == "inbox":
        return to_do_count()
    if name == "follow-ups":
        return count_to_do(admission.practice)
    if name == "team":
        return unacknowledged_for(admission.membership)
    return None


def foot(request: HttpRequest, admission: Admission) -> list[dict[str, Any]]:
    url = address("practice-settings", admission.practice)
    if not admission.may("practice.change") or not url:
        return []
    current = request.path.startswith(url)
    return [{"url": url, "icon": "sliders", "label": "Settings", "current": current, "group": ""}]


def address(name: str, practice: Practice) -> str:
    try:
        return reverse(name, args=[practice.slug])
    except NoReverseMatch:
        return ""
