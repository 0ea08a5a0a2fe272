"""What a worker does when the broker goes away: nothing may depend on it, least of all the worker.

Rows decide what is due, messages only wake. Three steps of the library need the connection that is gone, and
meet an AttributeError, which is none of the errors from which it recovers: the whole worker would end.
"""

import logging
from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer

logger = logging.getLogger(__name__)


def written_or_noted(receipt: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Writes a message's receipt, or notes that nobody is there to take it."""
    try:
        receipt(*args, **kwargs)
    except Exception as error:
        logger.warning("the broker went away before a receipt was written: %s", type(error).__name__)


class LastingConsumer(Consumer):
    """What listens to the broker for a worker, and outlives it."""

    def call_soon_ack(self, p: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Acknowledges or hands back a message in the worker's loop, where an error would end it."""
        # The stubs are older than the library.
        return super().call_soon_ack(written_or_noted, p, *args, **kwargs)  # type: ignore[misc]

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Lets go of the lost connection and hands nothing back to it; then it connects anew."""
        transport = self.connection.transport if self.connection else None
        for channel in getattr(transport, "channels", None) or ():
            channel.do_restore = False
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            logger.warning("the lost connection could not be closed in good order: %s", error)
            self.connection = None
