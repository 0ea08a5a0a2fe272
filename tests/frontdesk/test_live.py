"""The stream of changes: who may listen, what it says, when it ends, and that it holds nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, connections, transaction
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client

from frontdesk import live
from practices.changes import announce
from practices.models import Membership, Practice
from practices.tenancy import inside
from tests.factories import a_member, a_practice, a_user

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/all/live/"
PATIENCE = 5


class Setting:
    """A practice, a person who works there, and her browser."""

    def __init__(self) -> None:
        self.practice: Practice = a_practice()
        self.dana: Membership = a_member(self.practice)
        self.client = AsyncClient()

    async def enter(self) -> None:
        await sync_to_async(self.client.force_login)(self.dana.user)

    async def listen(self) -> tuple[Any, AsyncIterator[bytes]]:
        answer = await self.client.get(URL)
        if not isinstance(answer, StreamingHttpResponse):
            return answer, _nothing()
        lines = cast(AsyncIterator[bytes], aiter(answer.streaming_content))  # type: ignore[arg-type]
        assert (await anext(lines)).startswith(b"retry:")
        return answer, lines

    def tell(self, *regions: str) -> None:
        with transaction.atomic():
            announce(self.practice, *regions)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def heard(lines: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(lines), PATIENCE)


async def all_of(lines: AsyncIterator[bytes]) -> None:
    """Listens to the end, which comes as StopAsyncIteration."""
    for _ in range(3):
        await heard(lines)


@pytest.fixture
def desk(transactional_db: None) -> Setting:
    return Setting()


def run(test: Any) -> Any:
    async def whole() -> None:
        try:
            await test
        finally:
            await live.hub().stop()
            # The thread behind sync_to_async has a connection of its own, which would outlive the database.
            await sync_to_async(lambda: connection.close())()

    # A loop of its own thread: a browser test of the same process may have left one running in this.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, whole()).result()


def test_a_change_is_heard_as_regions_and_nothing_else(desk: Setting) -> None:
    async def story() -> None:
        await desk.enter()
        answer, lines = await desk.listen()
        assert answer["Content-Type"] == "text/event-stream"
        assert answer["Cache-Control"] == "no-store"
        await sync_to_async(desk.tell)("queue", "appointments")
        line = await heard(lines)
        assert line.startswith(b"data: ")
        assert json.loads(line[6:]) == {"practice": "harbor-street", "regions": ["appointments", "queue"]}

    run(story())


def test_two_pages_share_one_subscription_and_both_hear(desk: Setting) -> None:
    async def story() -> None:
        await desk.enter()
        _, one = await desk.listen()
        _, two = await desk.listen()
        assert len(live.hub().listeners) == 1
        await sync_to_async(desk.tell)("queue")
        assert await heard(one) == await heard(two)

    run(story())


def test_one_stream_hears_all_practices_of_the_person(desk: Setting) -> None:
    other = a_practice("cedar-park")
    a_member(other, desk.dana.user)

    def elsewhere() -> None:
        with transaction.atomic():
            announce(other, "calls")

    async def story() -> None:
        await desk.enter()
        _, lines = await desk.listen()
        assert len(live.hub().listeners) == 2
        await sync_to_async(elsewhere)()
        assert json.loads((await heard(lines))[6:]) == {"practice": "cedar-park", "regions": ["calls"]}
        await sync_to_async(desk.tell)("queue")
        assert json.loads((await heard(lines))[6:]) == {"practice": "harbor-street", "regions": ["queue"]}

    run(story())


def test_a_practice_that_one_page_left_is_still_heard_by_the_other(desk: Setting) -> None:
    other = a_practice("cedar-park")
    a_member(other, desk.dana.user)
    jo = a_member(desk.practice, a_user("jo@frontdesk.example"))

    async def story() -> None:
        await desk.enter()
        await desk.listen()
        hub = live.hub()
        (listener,) = {each for ours in hub.listeners.values() for each in ours}
        client = AsyncClient()
        await sync_to_async(client.force_login)(jo.user)
        desk.client = client
        _, lines = await desk.listen()
        await hub.leave(listener)
        assert list(hub.listeners) == [live.channel(desk.practice.pk)]
        await sync_to_async(desk.tell)("queue")
        assert b"queue" in await heard(lines)

    run(story())


def test_another_practices_changes_are_not_heard(desk: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.3)
    other = a_practice("cedar-park")

    def elsewhere() -> None:
        with transaction.atomic():
            announce(other, "appointments")

    async def story() -> None:
        await desk.enter()
        _, lines = await desk.listen()
        await sync_to_async(elsewhere)()
        assert await heard(lines) == b": here\n\n"

    run(story())


def test_a_stranger_gets_404_and_nobody_gets_401(desk: Setting) -> None:
    stranger = a_user("stranger@frontdesk.example")

    async def story() -> None:
        answer, _ = await desk.listen()
        assert answer.status_code == 401
        await sync_to_async(desk.client.force_login)(stranger)
        answer, _ = await desk.listen()
        assert answer.status_code == 404

    run(story())


def test_a_stream_holds_no_database_connection(desk: Setting) -> None:
    async def story() -> None:
        await desk.enter()
        await desk.listen()
        assert await sync_to_async(lambda: connection.connection)() is None

    run(story())


def join_another_practice(desk: Setting) -> None:
    """The page connects again by itself, and then hears the new one too."""
    a_member(a_practice("cedar-park"), desk.dana.user)


def leave_the_practice(desk: Setting) -> None:
    with inside(desk.practice):
        Membership.objects.filter(pk=desk.dana.pk).update(active=False)


def sign_out(desk: Setting) -> None:
    desk.client.logout()


@pytest.mark.parametrize("end", [leave_the_practice, join_another_practice, sign_out])
def test_the_stream_ends_when_the_person_may_listen_to_something_else(
    desk: Setting, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(live, "RECHECK_SECONDS", 0.0)

    async def story() -> None:
        await desk.enter()
        _, lines = await desk.listen()
        assert await heard(lines) == b": here\n\n"
        await sync_to_async(end)(desk)
        with pytest.raises(StopAsyncIteration):
            await all_of(lines)

    run(story())


def test_a_page_that_is_far_behind_is_told_to_fetch_everything(desk: Setting) -> None:
    async def story() -> None:
        listener = live.Listener()
        for _ in range(live.WAITING_EVENTS):
            listener.hear('{"regions": ["queue"]}')
        listener.hear('{"regions": ["messages"]}')
        assert listener.news.qsize() == 1
        assert json.loads(listener.news.get_nowait() or "") == {"regions": ["all"]}

    run(story())


def test_without_redis_the_page_is_told_to_poll(desk: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")

    async def story() -> None:
        await desk.enter()
        answer, _ = await desk.listen()
        assert answer.status_code == 503

    run(story())


def test_streams_end_when_redis_goes_away(desk: Setting) -> None:
    async def story() -> None:
        await desk.enter()
        _, lines = await desk.listen()
        await live.hub().pubsub.connection.disconnect()
        with pytest.raises(StopAsyncIteration):
            await all_of(lines)
        _, again = await desk.listen()
        await sync_to_async(desk.tell)("queue")
        assert b"queue" in await heard(again)

    run(story())


def test_the_last_page_that_leaves_ends_the_subscription(desk: Setting) -> None:
    async def story() -> None:
        await desk.enter()
        _, lines = await desk.listen()
        hub = live.hub()
        waiting = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0.05)
        waiting.cancel()  # what the server does when the browser goes
        await asyncio.gather(waiting, return_exceptions=True)
        assert hub.listeners == {}
        assert hub.pubsub is None

    run(story())


def asked(client: Client) -> Any:
    try:
        return client.get(URL, headers={"Accept": "text/event-stream"})
    finally:
        connections.close_all()


def test_a_process_of_pages_refuses_at_once(desk: Setting) -> None:
    client = Client()
    client.force_login(desk.dana.user)
    # Not in this thread: a browser test before may have left its event loop in it.
    with ThreadPoolExecutor(max_workers=1) as thread:
        assert thread.submit(asked, client).result().status_code == 503


def test_listening_is_no_sign_of_a_person(desk: Setting) -> None:
    """An idle page reconnects by itself; that must not keep its session alive (SECURITY.md B2)."""
    client = Client()
    client.force_login(desk.dana.user)
    session = client.session
    session["seen_at"] = session["started_at"] = before = int(time.time()) - 300
    session.save()
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asked, client).result()
    assert client.session["seen_at"] == before
    client.get("/p/harbor-street/today/")
    assert client.session["seen_at"] > before
