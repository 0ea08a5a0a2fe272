"""Tells open pages that something changed, without saying what.

The word goes out after the commit and may be lost: pages poll when the stream is away.
"""

import functools
import json
import logging

import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

from practices.models import Practice

logger = logging.getLogger(__name__)


@functools.cache
def client() -> redis.Redis:
    """This process's Redis client, on a pool: one short try, because a page never waits for it."""
    return impatient(settings.REDIS_URL)


def impatient(url: str) -> redis.Redis:
    """A client that gives up at once; the library's own would try again for seconds."""
    pool = redis.ConnectionPool.from_url(
        url,
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
        max_connections=20,
        retry=Retry(NoBackoff(), 0),
    )
    return redis.Redis(connection_pool=pool)


def channel(practice_id: int) -> str:
    """The Redis channel of a practice's changes."""
    return f"changes:{practice_id}"


def announce(practice: Practice, *regions: str) -> None:
    """After the commit, says which regions (`appointments`, `queue`, `messages`, …) changed."""
    payload = json.dumps({"practice": practice.slug, "regions": sorted(set(regions))})

    def tell() -> None:
        try:
            client().publish(channel(practice.pk), payload)
        except redis.RedisError:
            logger.warning("live update not sent: the broker is away")

    transaction.on_commit(tell, robust=True)
