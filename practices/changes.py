"""Tells open pages that something changed, without saying what.

The word goes out after the commit and may be lost: pages poll when the stream is away.
"""

import functools
import json
import logging

import redis
from django.conf import settings
from django.db import transaction

from practices.models import Practice

logger = logging.getLogger(__name__)


@functools.cache
def client() -> redis.Redis:
    """This process's Redis client, on a pool; short time-outs, a page never waits for it."""
    pool = redis.ConnectionPool.from_url(
        settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5, max_connections=20
    )
    return redis.Redis(connection_pool=pool)


def channel(practice_id: int) -> str:
    """The Redis channel of a practice's changes."""
    return f"changes:{practice_id}"


def announce(practice: Practice, *regions: str) -> None:
    """After the commit, says which regions (`appointments`, `queue`, `messages`, …) changed."""
    payload = json.dumps({"regions": sorted(set(regions))})

    def tell() -> None:
        try:
            client().publish(channel(practice.pk), payload)
        except redis.RedisError:
            logger.warning("live update not sent: the broker is away")

    transaction.on_commit(tell, robust=True)
