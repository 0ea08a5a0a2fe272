"""Plays the phones of a pretend supplier from tests: calls, keys, voicemails; and patients' mails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]


class CallsClient:
    """The part of a client that concerns calls and mails; the other part knows how to ask."""

    def call(self, method: str, path: str, data: Any = None) -> Any:
        """Call one control door and return its JSON."""
        raise NotImplementedError

    def ring_up(self, from_: str, to: str, presses: str = "") -> Json:
        """Let a phone call a line; `presses` are keys it presses by itself when asked for some."""
        return dict(
            self.call("POST", f"/pretend/phones/{quote(from_)}/calls", {"to": to, "presses": presses})
        )

    def calls(self, phone: str = "") -> list[Json]:
        """Return all calls, or those of one phone, oldest first."""
        return list(self.call("GET", f"/pretend/phones/{quote(phone)}/calls" if phone else "/pretend/calls"))

    def the_call(self, sid: str) -> Json:
        """Return one call: status, place, note, what the phone heard."""
        return dict(self.call("GET", f"/pretend/calls/{sid}"))

    def answer(self, sid: str) -> Json:
        """Pick up a ringing phone."""
        return self._do(sid, "answer")

    def decline(self, sid: str) -> Json:
        """Refuse a call."""
        return self._do(sid, "decline")

    def to_machine(self, sid: str) -> Json:
        """Let the voicemail box answer."""
        return self._do(sid, "machine")

    def press(self, sid: str, keys: str) -> Json:
        """Press keys in a call."""
        return self._do(sid, "press", keys=keys)

    def say(self, sid: str, words: str) -> Json:
        """Say something in a call; after a tone it becomes a voicemail."""
        return self._do(sid, "say", words=words)

    def hang_up(self, sid: str) -> Json:
        """Hang up."""
        return self._do(sid, "hang-up")

    def _do(self, sid: str, deed: str, **facts: str) -> Json:
        return dict(self.call("POST", f"/pretend/calls/{sid}/{deed}", facts))

    def conferences(self) -> list[Json]:
        """Return all conferences with who is in them."""
        return list(self.call("GET", "/pretend/conferences"))

    def recordings(self) -> Json:
        """Return the recordings that are kept, and the sids of the deleted ones."""
        return dict(self.call("GET", "/pretend/recordings"))

    def delays(self, **seconds: float) -> Json:
        """Change how long things take, `pace` above all; return what holds now."""
        return dict(self.call("POST", "/pretend/delays", seconds))

    def answer_mail(self, id: str, body: str, enclosed: Sequence[str] = ()) -> Json:
        """Answer a mail as the patient; `note` says what the mailroom did not take."""
        return dict(
            self.call("POST", "/pretend/mails", {"answer": id, "body": body, "enclosed": list(enclosed)})
        )

    def write_mail(self, from_: str, to: str, subject: str, body: str, enclosed: Sequence[str] = ()) -> Json:
        """Write a mail to a practice."""
        words = {"from": from_, "to": to, "subject": subject, "body": body, "enclosed": list(enclosed)}
        return dict(self.call("POST", "/pretend/mails", words))
