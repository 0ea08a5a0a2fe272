"""Keeps patients out of the logs (SECURITY.md F4).

Link tokens in paths are masked and query strings never written. A traceback tells where and which kind of
error, not what it said and not the values around it: both may hold what a person typed.
"""

import logging
import re
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

SECRET_PATHS = re.compile(r"(/(?:v|a|n|o|cal)/)[^/\s\"'?]+|\?[^\s\"'>]*=[^\s\"'>]*")


def mask(text: str) -> str:
    """The text with link tokens and query strings taken out."""
    return SECRET_PATHS.sub(lambda match: f"{match[1]}…" if match[1] else "?…", text)


class ScrubPaths(logging.Filter):
    """Masks the formatted message of every record; values never travel as arguments past it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), ()
        return True


def where_it_failed(error: BaseException | None) -> str:
    """The chain of errors by kind and place, innermost call last."""
    lines: list[str] = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
        lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is not None:
            lines.append("after")
    return "\n".join(lines)


class Quiet(logging.Formatter):
    """A formatter whose tracebacks name places and kinds of errors only."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return where_it_failed(ei[1])


def drop_details(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For structlog: the browser's name and the address are nobody's business; an error becomes its place."""
    for name in ("user_agent", "ip", "task_args", "task_kwargs"):
        event.pop(name, None)
    error = event.pop("exc_info", None) or event.pop("exception", None)
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["failed"] = where_it_failed(error)
    return event


def configure() -> None:
    """Sends structlog's events through the standard handlers, one key=value line each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            drop_details,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
