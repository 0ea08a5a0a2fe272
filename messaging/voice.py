"""Calls through Twilio: beside `messaging.sms` the only file that knows the supplier.

The upper half asks the supplier for something and returns what came of it, never raising; the lower half
says in TwiML what a line shall do. Times, patients and rules are not known here.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from twilio.base.exceptions import TwilioRestException
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from messaging import sms
from messaging.outcomes import Answer
from messaging.sms import Account, Listed, NotFetched, client_for, handed_over
from practices.models import Practice

# Answers that mean: the line is no longer there (not in progress, not found, already in that state).
LINE_GONE = frozenset({"21220", "20404", "21219"})
RECORDING = re.compile(r"RE[0-9a-f]{32}")
LARGEST_RECORDING = 16_000_000  # bytes: five minutes are some five million
VOICES = {"en": ("en-US", "Polly.Joanna"), "es": ("es-US", "Polly.Lupe")}
LONGEST_VOICEMAIL = 120  # seconds: what is longer the supplier does not transcribe
MACHINE_SECONDS = 12
EVENTS = ["initiated", "ringing", "answered", "completed"]

Words = Sequence[tuple[str, str]]  # language and what is said in it


def hook(practice: Practice, *parts: object) -> str:
    """An address below our voice webhooks; the fragment asks the supplier to try three times."""
    tail = "".join(f"{part}/" for part in parts)
    return f"{settings.PUBLIC_URL}/hooks/twilio/{practice.slug}/voice/{tail}#rc=3&rp=all"


def conference_name(call_id: object) -> str:
    """The room in which the caller and whoever answers meet."""
    return f"fd-{call_id}"


# What is asked of the supplier.


def place_call(account: Account, *, from_: str, to: str, url: str, callback: str, timeout: int) -> Answer:
    """Places an automatic call and finds out whether a person or a machine answers; never raises."""
    return _create(
        account, from_=from_, to=to, url=url, callback=callback, timeout=timeout,
        machine_detection="DetectMessageEnd", machine_detection_timeout=MACHINE_SECONDS,
    )  # fmt: skip


def ring(account: Account, *, from_: str, to: str, url: str, callback: str, timeout: int) -> Answer:
    """Rings a telephone whose owner is expected to answer; never raises."""
    return _create(account, from_=from_, to=to, url=url, callback=callback, timeout=timeout)


def _create(
    account: Account, *, from_: str, to: str, url: str, callback: str, timeout: int, **more: Any
) -> Answer:
    return handed_over(
        lambda: client_for(account).calls.create(
            from_=from_, to=to, url=url, status_callback=callback, status_callback_event=EVENTS,
            timeout=timeout, **more,
        )
    )  # fmt: skip


def calls_to(account: Account, *, from_: str, to: str) -> list[Listed]:
    """The latest calls from our line to a number, newest first; raises when the supplier does not answer."""
    found: Iterable[Any] = client_for(account).calls.list(from_=from_, to=to, limit=50)
    return [Listed(str(call.sid), "", call.date_created or call.start_time) for call in found]


NONE = "-"  # in place of a line: there is none


def look_up(account: Account, *, from_: str, to: str, since: dt.datetime, known: frozenset[str]) -> Answer:
    """The line that an order of unknown outcome rang, by the supplier's list: NONE when it rang none."""

    def look() -> Listed:
        listed = calls_to(account, from_=from_, to=to)
        rung = (one for one in listed if one.created_at is None or one.created_at >= since)
        return next((one for one in rung if one.sid not in known), Listed(NONE, "", None))

    return handed_over(look)


def redirect(account: Account, line: str, url: str) -> Answer:
    """Lets a line do what the document at `url` says, from wherever it is."""
    return handed_over(lambda: client_for(account).calls(line).update(url=url, method="POST"))


def hang_up(account: Account, line: str) -> Answer:
    """Ends a line; one that has ended is ended."""
    answer = handed_over(lambda: client_for(account).calls(line).update(status="completed"))
    return Answer("accepted", supplier_id=line) if is_gone(answer) else answer


def set_hold(account: Account, conference: str, line: str, hold: bool) -> Answer:
    """Puts one line of a conference on hold, with the supplier's music, or takes it back."""

    def change() -> Any:
        rooms = client_for(account).conferences.list(friendly_name=conference, status="in-progress", limit=1)
        if not rooms:
            raise TwilioRestException(404, conference, "no such conference", code=20404)
        return Held(client_for(account).conferences(rooms[0].sid).participants(line).update(hold=hold))

    return handed_over(change)


class Held:
    """A participant as the supplier returns one: known by its line, where others have a `sid`."""

    def __init__(self, participant: Any) -> None:
        self.sid = participant.call_sid


def is_gone(answer: Answer) -> bool:
    """Whether the supplier says that there is no such line any more."""
    return answer.outcome == "refused" and answer.code in LINE_GONE


def fetch_recording(account: Account, recording: str) -> tuple[bytes, str]:
    """The sound of a recording and its type; raises NotFetched."""
    if not RECORDING.fullmatch(recording):
        raise NotFetched("this is no recording of the supplier", gone=True)
    content, kind = sms.fetch(account, f"Recordings/{recording}.mp3", largest=LARGEST_RECORDING)
    if not content or kind not in {"audio/mpeg", "audio/mp3", "audio/x-mpeg"}:
        raise NotFetched(f"the supplier sent {kind or 'nothing'}")
    return content, "audio/mpeg"


def delete_recording(account: Account, recording: str) -> bool:
    """Whether the supplier holds the recording no longer."""
    if not RECORDING.fullmatch(recording):
        return True
    try:
        return bool(client_for(account).recordings(recording).delete())
    except TwilioRestException as error:
        return int(error.status) == 404
    except Exception:
        return False


# What a line is told to do.


@dataclass(frozen=True, slots=True)
class Room:
    """How a line enters a conference; the supplier tells `events` what happens in it."""

    name: str
    events: str
    starts: bool  # those who wait for this line hear each other from now on
    recorded_to: str = ""


def nothing() -> str:
    """Nothing to do: the line goes on with what it does, or ends."""
    return str(VoiceResponse())


def goodbye(words: Words = ()) -> str:
    """Says something and rings off."""
    return _document(words, lambda response: response.hangup())


def enqueue(words: Words, *, queue: str, wait_url: str, then: str) -> str:
    """Greets, and lets the caller wait until somebody answers or `then` is asked what else."""
    return _document(
        words, lambda response: response.enqueue(queue, wait_url=wait_url, action=then, method="POST")
    )


def wait(words: Words, *, seconds: int) -> str:
    """Says something to whoever waits, and is quiet for a while; the supplier asks again afterwards."""
    return _document(words, lambda response: response.pause(length=seconds))


def leave_queue() -> str:
    """Takes the caller out of the queue: the action of the queue says what comes then."""
    return _document((), lambda response: response.leave())


def voicemail(words: Words, *, then: str, recorded: str, transcribed: str, after: Words) -> str:
    """Asks for a message after the tone; `transcribed` is empty where no transcript is wanted."""

    def ask(response: Any) -> None:
        transcript = {"transcribe": True, "transcribe_callback": transcribed} if transcribed else {}
        response.record(
            action=then, method="POST", max_length=LONGEST_VOICEMAIL, timeout=6, finish_on_key="#",
            play_beep=True, trim="trim-silence", recording_status_callback=recorded, **transcript,
        )  # fmt: skip
        say(response, after)
        response.hangup()

    return _document(words, ask)


def join(room: Room, *, then: str, words: Words = ()) -> str:
    """Puts the line into a conference, after a word to it."""

    def enter(response: Any) -> None:
        recording = {"record": "record-from-start", "recording_status_callback": room.recorded_to}
        dial = Dial(action=then, method="POST")
        dial.conference(
            room.name, beep=False, start_conference_on_enter=room.starts, end_conference_on_exit=False,
            status_callback=room.events, status_callback_event="start end join leave",
            **(recording if room.recorded_to else {}),
        )  # fmt: skip
        response.append(dial)

    return _document(words, enter)


def ask_for_key(words: Words, *, action: str, otherwise: Words, seconds: int = 8) -> str:
    """Says something and waits for one key; without one it says `otherwise` and rings off."""

    def gather(response: Any) -> None:
        keys = Gather(num_digits=1, action=action, method="POST", timeout=seconds)
        say(keys, words)
        response.append(keys)
        say(response, otherwise)
        response.hangup()

    return _document((), gather)


def _document(words: Words, act: Callable[[Any], object]) -> str:
    response = VoiceResponse()
    say(response, words)
    act(response)
    return str(response)


def say(verb: Any, words: Words) -> None:
    for language, sentence in words:
        tag, voice = VOICES.get(language, VOICES["en"])
        verb.say(sentence, language=tag, voice=voice)
