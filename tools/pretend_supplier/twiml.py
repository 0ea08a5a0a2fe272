"""Reads the answers to inbound webhooks: the part of TwiML that replies to a text."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree


class TwimlError(ValueError):
    """An answer that a supplier could not act on."""


@dataclass(frozen=True)
class Reply:
    """One text to send back; ``to`` is empty for the phone that wrote."""

    body: str
    to: str = ""
    status_callback: str = ""


def read_replies(body: str, content_type: str) -> list[Reply]:
    """Return the replies in an answer; an empty answer has none, plain text is one."""
    if not body.strip():
        return []
    if content_type == "text/plain":
        return [Reply(body.strip())]
    if "<!DOCTYPE" in body or "<!ENTITY" in body:
        raise TwimlError("it declares a document type")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise TwimlError(f"it is not XML ({error})") from error
    if root.tag != "Response":
        raise TwimlError(f"its root is {root.tag}, not Response")
    return [read_message(element) for element in root if element.tag in ("Message", "Sms")]


def read_message(element: ElementTree.Element) -> Reply:
    """Return the reply of one Message element, with its text inside or in a Body element."""
    inner = element.find("Body")
    text = (inner.text if inner is not None else element.text) or ""
    callback = element.get("statusCallback") or element.get("action") or ""
    return Reply(text.strip(), element.get("to") or "", callback)
