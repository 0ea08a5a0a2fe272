"""What the supplier knows of calls: legs, conferences, recordings, and one lock around them."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from .ledger import API_VERSION, now, rfc2822

ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
Found = TypeVar("Found")


@dataclass(frozen=True)
class Doc:
    """A document to follow: an address with what is posted to it, or the words themselves."""

    url: str = ""
    xml: str = ""
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Leg:
    """One call between the exchange and one phone; ``direction`` as in the Calls API."""

    account_sid: str
    direction: str
    from_: str
    to: str
    status: str = "queued"
    sid: str = field(default_factory=lambda: "CA" + secrets.token_hex(16))
    created: str = field(default_factory=now)
    answered: str = ""
    ended: str = ""
    parent: str = ""
    timeout: float = 60.0
    callback: str = ""
    events: frozenset[str] = frozenset({"completed"})
    detect_machine: bool = False
    answered_by: str = ""
    # What the phone does, and what it hears.
    decision: str = ""
    presses: str = ""
    keys: deque[str] = field(default_factory=deque)
    words: str = ""  # spoken after a tone, not yet recorded
    log: list[dict[str, str]] = field(default_factory=list)
    place: str = ""  # where it is just now, in words
    note: str = ""
    # What was ordered from outside and is not followed yet.
    turn: Doc | None = None
    over: str = ""
    sequence: int = 0
    fault: str = ""

    @property
    def inbound(self) -> bool:
        """Return whether the phone called."""
        return self.direction == "inbound"

    @property
    def phone(self) -> str:
        """Return the side of the phone."""
        return self.from_ if self.inbound else self.to

    @property
    def line(self) -> str:
        """Return the side of the practice."""
        return self.to if self.inbound else self.from_

    @property
    def is_over(self) -> bool:
        """Return whether it has ended."""
        return self.status in ENDED

    @property
    def seconds(self) -> int:
        """Return how long it was spoken."""
        if not self.answered or not self.ended:
            return 0
        spoken = datetime.fromisoformat(self.ended) - datetime.fromisoformat(self.answered)
        return max(1, round(spoken.total_seconds()))

    @property
    def uri(self) -> str:
        """Return its address from the root of the API."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}.json"

    def tell(self, kind: str, words: str) -> None:
        """Write down what the phone heard or did."""
        self.log.append({"at": now(), "kind": kind, "words": words})
        del self.log[:-200]

    def params(self) -> dict[str, str]:
        """Return the parameters that every webhook of the call has."""
        params = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": self.sid,
            "CallStatus": self.status,
            "Called": self.to,
            "Caller": self.from_,
            "Direction": self.direction,
            "From": self.from_,
            "FromCountry": "US",
            "To": self.to,
            "ToCountry": "US",
        }
        if self.parent:
            params["ParentCallSid"] = self.parent
        if self.answered_by and self.detect_machine:
            params["AnsweredBy"] = self.answered_by
        return params

    def as_api(self) -> dict[str, Any]:
        """Return it in the shape of the Calls API."""
        return {
            "account_sid": self.account_sid,
            "answered_by": self.answered_by if self.detect_machine else None,
            "api_version": API_VERSION,
            "caller_name": None,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.ended or self.answered or self.created),
            "direction": self.direction,
            "duration": str(self.seconds) if self.is_over else None,
            "end_time": rfc2822(self.ended),
            "forwarded_from": None,
            "from": self.from_,
            "from_formatted": self.from_,
            "group_sid": None,
            "parent_call_sid": self.parent or None,
            "phone_number_sid": "PN" + self.account_sid[2:],
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "sid": self.sid,
            "start_time": rfc2822(self.answered or self.created),
            "status": self.status,
            "subresource_uris": {"recordings": self.uri.removesuffix(".json") + "/Recordings.json"},
            "to": self.to,
            "to_formatted": self.to,
            "trunk_sid": None,
            "uri": self.uri,
        }

    def as_control(self) -> dict[str, Any]:
        """Return it for tests, with what only the supplier knows."""
        return {
            "sid": self.sid,
            "direction": self.direction,
            "from": self.from_,
            "to": self.to,
            "status": self.status,
            "parent": self.parent,
            "created": self.created,
            "answered": self.answered,
            "ended": self.ended,
            "answered_by": self.answered_by,
            "place": self.place,
            "note": self.note,
            "fault": self.fault,
            "log": list(self.log),
            "heard": [entry["words"] for entry in self.log if entry["kind"] == "say"],
        }


@dataclass(eq=False)
class Participant:
    """One leg in a conference."""

    leg: Leg
    label: str = ""
    muted: bool = False
    hold: bool = False
    coaching: bool = False
    starts: bool = True
    ends: bool = False
    joined: str = field(default_factory=now)


@dataclass(eq=False)
class Room:
    """A conference: it begins when two are in it, and ends when nobody is."""

    account_sid: str
    name: str
    status: str = "init"
    sid: str = field(default_factory=lambda: "CF" + secrets.token_hex(16))
    created: str = field(default_factory=now)
    began: str = ""
    ended: str = ""
    people: dict[str, Participant] = field(default_factory=dict)
    callback: str = ""
    events: frozenset[str] = frozenset()
    record: bool = False
    record_callback: str = ""
    sequence: int = 0

    @property
    def uri(self) -> str:
        """Return its address from the root of the API."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Conferences/{self.sid}.json"

    def as_api(self) -> dict[str, Any]:
        """Return it in the shape of the Conferences API."""
        base = self.uri.removesuffix(".json")
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "call_sid_ending_conference": None,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.ended or self.created),
            "friendly_name": self.name,
            "reason_conference_ended": None,
            "region": "us1",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {
                "participants": f"{base}/Participants.json",
                "recordings": f"{base}/Recordings.json",
            },
            "uri": self.uri,
        }

    def participant_as_api(self, one: Participant) -> dict[str, Any]:
        """Return one of its participants in the shape of the Participants API."""
        return {
            "account_sid": self.account_sid,
            "call_sid": one.leg.sid,
            "call_sid_to_coach": None,
            "coaching": one.coaching,
            "conference_sid": self.sid,
            "date_created": rfc2822(one.joined),
            "date_updated": rfc2822(one.joined),
            "end_conference_on_exit": one.ends,
            "hold": one.hold,
            "label": one.label or None,
            "muted": one.muted,
            "queue_time": "0",
            "start_conference_on_enter": one.starts,
            "status": "connected" if one.leg.status == "in-progress" else one.leg.status,
            "uri": self.uri.removesuffix(".json") + f"/Participants/{one.leg.sid}.json",
        }


@dataclass(eq=False)
class Taped:
    """A recording: its words stand for the sound, which is made when somebody fetches it."""

    account_sid: str
    call_sid: str
    words: str
    seconds: int
    source: str
    conference_sid: str = ""
    sid: str = field(default_factory=lambda: "RE" + secrets.token_hex(16))
    created: str = field(default_factory=now)

    @property
    def uri(self) -> str:
        """Return its address from the root of the API."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Recordings/{self.sid}.json"

    def as_api(self, host: str = "") -> dict[str, Any]:
        """Return it in the shape of the Recordings API."""
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "call_sid": self.call_sid,
            "channels": 1,
            "conference_sid": self.conference_sid or None,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.created),
            "duration": str(self.seconds),
            "encryption_details": None,
            "error_code": None,
            "media_url": host + self.uri.removesuffix(".json"),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "source": self.source,
            "start_time": rfc2822(self.created),
            "status": "completed",
            "subresource_uris": {},
            "uri": self.uri,
        }


class Board:
    """All calls behind one lock; whoever waits for something in them is woken by every change."""

    def __init__(self, cap: int = 5_000) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.legs: dict[str, Leg] = {}
        self.rooms: dict[str, Room] = {}
        self.queues: dict[str, list[Leg]] = {}
        self.tapes: dict[str, Taped] = {}
        self.deleted_tapes: list[str] = []
        self._cap = cap

    def note(self) -> None:
        """Wake whoever waits; call it with the lock held or not."""
        with self.changed:
            self.changed.notify_all()

    def add(self, leg: Leg) -> None:
        """Remember a leg; the oldest that are over go when the cap is passed."""
        with self.changed:
            self.legs[leg.sid] = leg
            if len(self.legs) > self._cap:
                for old in [one for one in self.legs.values() if one.is_over][: self._cap // 5]:
                    del self.legs[old.sid]
            self.changed.notify_all()

    def of_phone(self, phone: str) -> list[Leg]:
        """Return the calls of one phone, oldest first."""
        with self.changed:
            return [leg for leg in self.legs.values() if leg.phone == phone]

    def open_room(self, name: str) -> Room | None:
        """Return the conference of that name that has not ended."""
        with self.changed:
            return next((r for r in self.rooms.values() if r.name == name and r.status != "completed"), None)

    def wait(self, look: Callable[[], Found], seconds: float) -> Found:
        """Look after every change until something is found or the time is up; return the last look."""
        until = time.monotonic() + seconds
        with self.changed:
            while not (found := look()) and (left := until - time.monotonic()) > 0:
                self.changed.wait(left)
            return found

    def clear(self) -> None:
        """End and forget everything."""
        with self.changed:
            for leg in self.legs.values():
                leg.over = leg.over or "completed"
                leg.callback = ""
            for room in self.rooms.values():
                room.callback = ""
            for store in (self.legs, self.rooms, self.queues, self.tapes):
                store.clear()
            self.deleted_tapes.clear()
            self.changed.notify_all()


def timestamp() -> str:
    """Return this moment the way callbacks write it."""
    return rfc2822(datetime.now(UTC).isoformat()) or ""
