"""Server-sent events that say which regions of whose pages changed, and nothing about patients.

A person has one stream for all her practices, because a call of any of them rings wherever she is.

One hub a process holds one Redis connection for all its streams. A stream holds no database connection:
the gate closes it before the first byte, and the membership is read anew each minute. Where Redis is away
or the process serves WSGI, the address answers 503 and the page polls.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from practices.access import DeskRequest
from practices.changes import channel

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
RECHECK_SECONDS = 60.0
WAITING_EVENTS = 20  # a page this far behind fetches everything once instead
RETRY_MS = 3000
READ_SECONDS = 1.0
AWAY = (RedisError, OSError)
EVERYTHING = json.dumps({"regions": ["all"]})  # names no practice: it may have been any

Recheck = Callable[[], Awaitable[bool]]


class Listener:
    """One stream's waiting news of the channels `names`; `None` ends it."""

    def __init__(self, names: frozenset[str] = frozenset()) -> None:
        self.names = names
        self.news: asyncio.Queue[str | None] = asyncio.Queue(WAITING_EVENTS)

    def hear(self, text: str | None) -> None:
        """Adds news; a full queue is emptied, and one word stands for all that was in it."""
        if self.news.full():
            while not self.news.empty():
                self.news.get_nowait()
            text = text and EVERYTHING
        self.news.put_nowait(text)


class Hub:
    """The streams of one event loop, and the one subscription that feeds them."""

    def __init__(self) -> None:
        # Weak: a listener whose answer was never iterated vanishes with the answer.
        self.listeners: dict[str, WeakSet[Listener]] = {}
        self.lock = asyncio.Lock()
        self.client: redis.asyncio.Redis | None = None
        self.pubsub: Any = None
        self.reader: asyncio.Task[None] | None = None

    async def join(self, practice_ids: Iterable[int]) -> Listener:
        """A listener to the practices' changes; RedisError or OSError when there is nothing to hear."""
        listener = Listener(frozenset(channel(practice_id) for practice_id in practice_ids))
        async with self.lock:
            if self.pubsub is None:
                self.client = redis.asyncio.Redis.from_url(
                    settings.REDIS_URL,
                    socket_connect_timeout=1,
                    decode_responses=True,
                    # A silent reconnect would lose news: end the streams, and each page catches up.
                    retry=Retry(NoBackoff(), 0),
                )
                self.pubsub = self.client.pubsub(ignore_subscribe_messages=True)
            new = [name for name in listener.names if not self.listeners.get(name)]
            if new:
                try:
                    await self.pubsub.subscribe(*new)
                except AWAY:
                    await self.stop()
                    raise
            for name in listener.names:
                self.listeners.setdefault(name, WeakSet()).add(listener)
            if self.reader is None or self.reader.done():
                self.reader = asyncio.create_task(self.read())
        return listener

    async def leave(self, listener: Listener) -> None:
        """Ends a listener; the last one of a practice ends its subscription."""
        async with self.lock:
            alone = [name for name in listener.names if self.gone(name, listener)]
            if not self.listeners:
                await self.stop()
            elif alone and self.pubsub is not None:
                with contextlib.suppress(*AWAY):
                    await self.pubsub.unsubscribe(*alone)

    def gone(self, name: str, listener: Listener) -> bool:
        """Takes a listener off one channel; true where nobody listens to it any more."""
        ours = self.listeners.get(name)
        if ours is None:
            return False
        ours.discard(listener)
        if ours:
            return False
        del self.listeners[name]
        return True

    async def read(self) -> None:
        """Hands each message to its practice's listeners until Redis goes away."""
        pubsub = self.pubsub
        try:
            while self.pubsub is pubsub:
                message = await pubsub.get_message(timeout=READ_SECONDS)
                if message and message["type"] == "message":
                    for listener in list(self.listeners.get(message["channel"], ())):
                        listener.hear(message["data"])
        except AWAY:
            logger.warning("live updates end: the broker is away; pages poll until it is back")
            if self.pubsub is pubsub:
                await self.stop()

    async def stop(self) -> None:
        """Ends every stream and the connection; the next one that joins starts anew."""
        for listener in {each for ours in self.listeners.values() for each in ours}:
            listener.hear(None)
        self.listeners.clear()
        pubsub, client, reader = self.pubsub, self.client, self.reader
        self.pubsub = self.client = self.reader = None
        if reader is not None and reader is not asyncio.current_task():
            reader.cancel()
        for link in filter(None, (pubsub, client)):
            with contextlib.suppress(*AWAY):
                await link.aclose()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


async def events(listener: Listener, still_admitted: Recheck) -> AsyncIterator[str]:
    """The lines of one stream: news, a comment when there is none, an end when the gate closes."""
    checked = time.monotonic()
    # Middleware may have stored the session after the gate closed its connection.
    await sync_to_async(lambda: connection.close())()
    yield f"retry: {RETRY_MS}\n\n"
    try:
        while True:
            line = ": here\n\n"
            with contextlib.suppress(TimeoutError):
                news = await asyncio.wait_for(listener.news.get(), HEARTBEAT_SECONDS)
                if news is None:
                    return
                line = f"data: {news}\n\n"
            if time.monotonic() - checked >= RECHECK_SECONDS:
                if not await still_admitted():
                    return
                checked = time.monotonic()
            yield line
    finally:
        await hub().leave(listener)


def streams_here(request: HttpRequest) -> bool:
    """Whether this process can hold a stream open: under WSGI each would hold a thread."""
    return hasattr(request, "scope")


async def answer(request: DeskRequest) -> HttpResponseBase:
    """The stream for an admitted request, or 503 when there is none to give."""
    if not streams_here(request):
        return HttpResponse("Streams are served elsewhere.\n", status=503, content_type="text/plain")
    try:
        listener = await hub().join(practice.pk for practice in request.practices)
    except AWAY:
        return HttpResponse("No live updates at the moment.\n", status=503, content_type="text/plain")
    response = StreamingHttpResponse(
        events(listener, request.still_admitted), content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # a proxy that gathers would hold the news back
    return response
