"""Signs a person out after idle time, and in any case after half a day (SECURITY.md B2).

Background requests (live updates, polling) carry the header `X-Background` and do not count as activity.
"""

import time
from collections.abc import Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth import logout
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
        if now - seen > settings.IDLE_SIGN_OUT_SECONDS or now - started > settings.SESSION_ABSOLUTE_SECONDS:
            logout(request)
        elif "X-Background" not in request.headers and now - seen >= self.GRAIN_SECONDS:
            request.session["seen_at"] = now
