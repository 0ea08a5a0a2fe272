"""Our own Valkey: private, only on this machine, and it refuses when full instead of forgetting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tools.valkey import Valkey


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    made = Valkey(tmp_path / "with a space", tmp_path / "valkey.log")
    made.start()
    try:
        yield made
    finally:
        made.stop()


def test_it_answers_with_its_password_only(server: Valkey) -> None:
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert (server.folder / "valkey.conf").stat().st_mode & 0o077 == 0


def test_it_never_drops_a_message_by_itself(server: Valkey) -> None:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy", "save") == {"maxmemory-policy": "noeviction", "save": ""}


def test_it_is_gone_after_stop(server: Valkey) -> None:
    process = server.process
    assert process is not None
    server.stop()
    assert process.returncode is not None
    with redis.Redis.from_url(server.url) as client, pytest.raises(redis.ConnectionError):
        client.ping()
