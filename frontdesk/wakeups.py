"""What a worker does with a message of the broker once it has been heard: nothing may depend on it."""

import logging
from typing import Any

from celery import Task
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
