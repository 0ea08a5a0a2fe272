"""What a worker does with a message of the broker once it has been heard: nothing may depend on it."""

import logging
from typing import Any

from celery import Task
from celery.worker.consumer import Consumer
from celery.worker.request import Request

logger = logging.getLogger(__name__)


class HeardRequest(Request):
    """A message whose receipt may fail to be written: rows decide what is due, messages only wake.

    When the broker dies while a task runs, the receipt goes to a connection that no longer exists; the
    library takes that for an error it cannot recover from, and the whole worker ends.
    """

    def acknowledge(self) -> None:
        """Writes the receipt, or says that the broker had gone."""
        try:
            super().acknowledge()
        except Exception as error:
            logger.warning(
                "the broker went away before %s was acknowledged: %s", self.name, type(error).__name__
            )

    def reject(self, requeue: bool = False) -> None:
        """Hands the message back, or says that the broker had gone."""
        try:
            super().reject(requeue=requeue)
        except Exception as error:
            logger.warning(
                "the broker went away before %s was handed back: %s", self.name, type(error).__name__
            )


class WakeUp(Task):  # type: ignore[type-arg]
    """The class of all tasks."""

    Request: Any = HeardRequest


class LastingConsumer(Consumer):
    """What listens to the broker for a worker, and outlives it.

    On closing the lost connection the library hands back what was heard but not yet acknowledged, for which
    it needs the connection; the AttributeError that follows is none of the errors from which it recovers.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Lets go of the lost connection, whatever becomes of its last words; then it connects anew."""
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            logger.warning("the lost connection could not be closed in good order: %s", error)
            self.connection = None
