"""Keeps patients out of the logs: tokens in paths are masked, query strings never written."""

import logging
import re

SECRET_PATHS = re.compile(r"(/v/)[^/\s\"'?]+|\?[^\s\"']*=[^\s\"']*")


def mask(text: str) -> str:
    """The text with link tokens and query strings taken out."""
    return SECRET_PATHS.sub(lambda match: f"{match[1]}…" if match[1] else "?…", text)


class ScrubPaths(logging.Filter):
    """Masks the formatted message of every record; values never travel as arguments past it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), ()
        return True
