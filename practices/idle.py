"""Signs a person out after idle time, and in any case after half a day (SECURITY.md B2).

Background requests (live updates, polling) carry the header `X-Live` and do not count as activity.
"""

import time
from collections.abc import Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class IdleSignOut:
    """Keeps the time of the last activity in the session, rounded so that few requests write it."""

    sync_capable = True
    async_capable = True
    GRAIN_SECONDS = 60

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        if iscoroutinefunction(self.get_response):
            return self.answer_async(request)
        self.check(request)
        return self.get_response(request)

    async def answer_async(self, request: HttpRequest) -> HttpResponseBase:
        await sync_to_async(self.check)(request)
        return cast(HttpResponseBase, await cast(Any, self.get_response)(request))

    def check(self, request: HttpRequest) -> None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return
        now = int(time.time())
        started = request.session.setdefault("started_at", now)
        seen = request.session.setdefault("seen_at", now)
        if lapsed(now, started, seen):
            logout(request)
        elif not in_background(request) and now - seen >= self.GRAIN_SECONDS:
            request.session["seen_at"] = now


def lapsed(now: int, started: int, seen: int) -> bool:
    return now - seen > settings.IDLE_SIGN_OUT_SECONDS or now - started > settings.SESSION_ABSOLUTE_SECONDS


def has_lapsed(session: SessionBase) -> bool:
    """Whether a session is over: signed out, idle too long, or half a day old."""
    if SESSION_KEY not in session:
        return True
    now = int(time.time())
    return lapsed(now, session.get("started_at", now), session.get("seen_at", now))


def in_background(request: HttpRequest) -> bool:
    # An event stream cannot carry a header of its own, and reconnects without anybody there.
    return "X-Live" in request.headers or request.headers.get("Accept") == "text/event-stream"
