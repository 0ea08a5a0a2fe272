"""What the supplier's answers mean, and what follows: SECURITY.md section 4 as one table."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Then(Enum):
    """What follows a text that the supplier did not take, or could not deliver."""

    RETRY = "not processed: the same row goes again, later each time"
    RECONCILE = "uncertain: ask the supplier before anything else"
    BAD_NUMBER = "the number cannot get texts: mark it, call instead"
    OPTED_OUT = "the patient stopped texts at the carrier: remember it, never retry"
    AGAIN_LATER = "not reachable now: at most two more texts, hours apart"
    STOP = "nothing to repeat: a person calls"
    BREAK = "the practice's account is refused: all its texts wait, a person looks"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the table; `reason` is stored, `words` are for the desk."""

    then: Then
    reason: str
    words: str


OUTCOMES: dict[str, Verdict] = {
    "20429": Verdict(Then.RETRY, "busy", "the text service is busy"),
    "21611": Verdict(Then.RETRY, "queue_full", "the text service is busy"),
    "20500": Verdict(Then.RECONCILE, "unknown", "the text service had a fault"),
    "20503": Verdict(Then.RECONCILE, "unknown", "the text service had a fault"),
    "21211": Verdict(Then.BAD_NUMBER, "no_such_number", "no such number"),
    "21614": Verdict(Then.BAD_NUMBER, "landline", "landline"),
    "30005": Verdict(Then.BAD_NUMBER, "number_given_up", "number no longer in use"),
    "30006": Verdict(Then.BAD_NUMBER, "landline", "landline"),
    "21610": Verdict(Then.OPTED_OUT, "opted_out", "the patient stopped texts"),
    "30003": Verdict(Then.AGAIN_LATER, "unreachable", "phone switched off or out of reach"),
    "30001": Verdict(Then.AGAIN_LATER, "queue_full", "the text service was busy"),
    "30007": Verdict(Then.STOP, "filtered", "filtered by the carrier"),
    # Of automatic calls, by the words of the supplier's report.
    "busy": Verdict(Then.AGAIN_LATER, "busy_line", "the line was busy"),
    "no-answer": Verdict(Then.AGAIN_LATER, "no_answer", "nobody answered"),
    "voicemail": Verdict(Then.STOP, "voicemail", "a voicemail answered: practice and number were left"),
    "no-route": Verdict(Then.STOP, "no_connection", "the call could not be connected"),
    "30034": Verdict(Then.BREAK, "not_registered", "the practice's number is not registered for texts"),
    "20003": Verdict(Then.BREAK, "account_refused", "the text service refuses the practice's account"),
}
# Answers without a code of the supplier's own.
BY_STATUS = {429: OUTCOMES["20429"], 401: OUTCOMES["20003"]}
UNKNOWN = Verdict(Then.STOP, "refused", "the text service refused it")
UNSURE = Verdict(Then.RECONCILE, "unknown", "the outcome is not known")
NOT_CONNECTED = Verdict(Then.RETRY, "not_connected", "the text service cannot be reached")


def verdict(code: str, status: int = 0) -> Verdict:
    """The line for an error code, else for the HTTP status; what nobody knows is stopped, never repeated."""
    if code in OUTCOMES:
        return OUTCOMES[code]
    if status >= 500:
        return UNSURE
    return BY_STATUS.get(status, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of handing a message to a supplier."""

    outcome: Literal["accepted", "refused", "uncertain"]
    supplier_id: str = ""
    code: str = ""
    verdict: Verdict | None = None
    retry_after: float | None = None  # seconds, as the supplier asked


UNCERTAIN = Answer("uncertain", verdict=UNSURE)


# Why a message was not sent, in words for the thread.
REASONS: dict[str, str] = {
    "no_consent": "no consent",
    "opted_out": "the patient stopped messages",
    "no_address": "no usable number or address",
    "deceased": "the patient has died",
    "too_late": "its time had passed",
    "gave_up": "the service stayed away",
    "withdrawn": "withdrawn",
    "stopped": "the patient stopped messages",
    "wants_calls": "the patient asked to be called",
    "over_cap": "enough messages for now",
    "went another way": "sent another way instead",
    **{line.reason: line.words for line in [*OUTCOMES.values(), UNKNOWN, UNSURE, NOT_CONNECTED]},
}
