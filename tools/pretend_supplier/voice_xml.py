"""Reads TwiML for calls: verbs with their attributes, words and the verbs inside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree import ElementTree

from .twiml import TwimlError

VERBS = frozenset(
    ["Dial", "Enqueue", "Gather", "Hangup", "Leave", "Pause", "Play", "Record", "Redirect", "Reject", "Say"]
)
MOST_VERBS = 200


@dataclass(frozen=True)
class Verb:
    """One element of a document."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    inner: tuple[Verb, ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute."""
        return self.attributes.get(name, default)

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is a number; what is none counts as missing."""
        try:
            return max(0.0, float(self.attributes.get(name, default)))
        except ValueError:
            return default

    def yes(self, name: str, default: bool = False) -> bool:
        """Return an attribute that is true or false."""
        return self.attributes.get(name, str(default)).lower() == "true"

    def find(self, name: str) -> Verb | None:
        """Return the first element of that name inside."""
        return next((one for one in self.inner if one.name == name), None)


def read_voice(body: str) -> list[Verb]:
    """Return the verbs of a document, or say why a supplier could not follow it."""
    if not body.strip():
        raise TwimlError("it is empty")
    if "<!DOCTYPE" in body or "<!ENTITY" in body:
        raise TwimlError("it declares a document type")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise TwimlError(f"it is not XML ({error})") from error
    if root.tag != "Response":
        raise TwimlError(f"its root is {root.tag}, not Response")
    verbs = [read_element(element) for element in root][:MOST_VERBS]
    unknown = [verb.name for verb in verbs if verb.name not in VERBS]
    if unknown:
        raise TwimlError(f"there is no verb {unknown[0]} for calls here")
    return verbs


def read_element(element: ElementTree.Element) -> Verb:
    """Return one element with all that is inside; marks inside spoken words count as words."""
    if element.tag == "Say":
        return Verb("Say", dict(element.attrib), " ".join("".join(element.itertext()).split()))
    inner = tuple(read_element(one) for one in element)
    return Verb(element.tag, dict(element.attrib), " ".join((element.text or "").split()), inner)
