"""Before anything is told: two facts that are right, who speaks, and what this person may be told.

State is of one call and one patient, and is read from `IdentityCheck` rows, which are only added. A second
patient of the same call is asked for anew; so is whoever takes over the telephone.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from messaging.models import Call, IdentityCheck
from patients.contacts import parse_email, parse_phone
from patients.dates import parse_birth_date, parse_past_day
from patients.models import ContactPoint, Patient, RelatedPerson
from patients.privacy import disclose, wishes
from practices import audit, changes
from practices.audit import Actor

Fact, Result, May = IdentityCheck.Fact, IdentityCheck.Result, RelatedPerson.May
FACTS_NEEDED = 2
MOST_WRONG = 3
CALL_BACK = "Ask for a call back to the number on file."
SOMETHING_WRONG = "That does not match the record. Ask once more, without saying what was wrong."
TOO_MANY = f"Three answers were wrong. {CALL_BACK}"
SAME_NUMBER = "The call comes from this number: it proves nothing. Ask for another fact."


class IdentityRefused(ValueError):
    """Nothing is opened; the words say what to do, `errors` say it for single fields where they can."""

    def __init__(self, words: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.errors = dict(errors or {})


@dataclass(frozen=True, slots=True)
class Identity:
    """How far it is known who speaks about a patient in a call, and what this person may be told."""

    call_id: uuid.UUID
    patient: Patient
    verified: bool = False
    overridden: bool = False
    facts: tuple[str, ...] = ()
    wrong: int = 0
    speaker: RelatedPerson | None = None
    stranger: str = ""  # who speaks, when it is neither the patient nor one of her people

    @property
    def is_open(self) -> bool:
        """Whether the workspace shows more than name and next visit time."""
        return self.verified or self.overridden

    @property
    def locked(self) -> bool:
        """After three wrong answers no further fact is tried; telling needs a reason."""
        return self.wrong >= MOST_WRONG and not self.is_open

    @property
    def may(self) -> tuple[str, ...]:
        """What the speaker may be told; nothing before it is open."""
        if not self.is_open or self.stranger:
            return ()
        return tuple(self.speaker.may) if self.speaker else tuple(May.values)

    @property
    def who(self) -> str:
        """Who speaks, in words."""
        if self.stranger:
            return self.stranger
        if self.speaker:
            return f"{self.speaker.name}, {self.speaker.get_relationship_display().lower()}"
        return "The patient"

    @property
    def words(self) -> str:
        if self.verified:
            return "Verified"
        if self.overridden:
            return "Told without two facts"
        return "Not verified: call back" if self.locked else "Not verified"

    @property
    def tone(self) -> str:
        if self.verified:
            return "conf"
        return "bad" if self.overridden or self.locked else "book"

    @property
    def symbol(self) -> str:
        return "shield-ok" if self.verified else "shield-bad" if self.tone == "bad" else "shield"

    @property
    def facts_words(self) -> str:
        return ", ".join(Fact(fact).label.lower() for fact in self.facts)

    @property
    def limit(self) -> str:
        """The sentence that keeps the person on the phone from saying too much; empty for the patient."""
        if self.locked:
            return f"Say nothing. {CALL_BACK}"
        if self.stranger:
            said = "what you gave as the reason" if self.overridden else "that you will pass a message on"
            return f"Say nothing more than {said}."
        if not self.is_open:
            return "Say nothing more than that you first need two facts."
        return limit_of(self.speaker) if self.speaker else ""

    @property
    def wishes(self) -> list[str]:
        """How the patient wants to be reached in confidence."""
        return wishes(self.patient)


def limit_of(speaker: RelatedPerson) -> str:
    """What is told to one of the patient's people and not a word more; empty where everything may be told."""
    told = [one for one in speaker.may if one not in {May.BOOK, May.MESSAGES}]
    if set(told) >= {May.APPOINTMENTS, May.BILLING, May.RESULTS, May.CLINICAL}:
        return ""
    if told:
        return f"Say nothing more than {RelatedPerson.words_of(told)}."
    if May.BOOK in speaker.may:
        return "Say nothing more than the times you offer."
    if May.MESSAGES in speaker.may:
        return "Say nothing more than the message to call us back."
    return "Say nothing more than that you will pass a message on."


def state_of(call: Call, patient: Patient) -> Identity:
    """What is known by now, in one query. The last row decides; wrong answers count over the whole call."""
    rows = list(
        IdentityCheck.objects.filter(call=call, patient=patient)
        .select_related("speaker")
        .order_by("at", "id")
    )
    if not rows:
        return Identity(call.pk, patient)
    last = rows[-1]
    return Identity(
        call_id=call.pk,
        patient=patient,
        verified=last.result == Result.VERIFIED,
        overridden=last.result == Result.OVERRIDDEN,
        facts=tuple(last.facts) if last.result == Result.VERIFIED else (),
        wrong=sum(row.result == Result.WRONG for row in rows),
        speaker=last.speaker,
        stranger=str(last.speaker_name or ""),
    )


def check(
    *,
    call: Call,
    patient: Patient,
    facts: Mapping[str, str],
    speaker: RelatedPerson | None = None,
    by: Actor,
) -> Identity:
    """Compares what the caller said with the record; two facts that are all right open the details.

    Raises IdentityRefused for fewer than two, for one that cannot be read, for the number of the call itself,
    and for anything wrong: then it is counted, and neither words nor audit tell which part it was.
    """
    with transaction.atomic():
        call = _call_in_progress(call)
        wrong = state_of(call, patient)
        if wrong.locked:
            raise IdentityRefused(TOO_MANY)
        said = {fact: typed.strip() for fact, typed in facts.items() if typed.strip()}
        if len(said) < FACTS_NEEDED:
            raise IdentityRefused("Ask for two facts.")
        if all(compared(call, patient, said, _may_speak(speaker, patient))):
            _add(call, patient, Result.VERIFIED, by, facts=list(said), speaker=speaker)
            return _opened(call, patient, "Caller verified by two facts", by)
        _add(call, patient, Result.WRONG, by, facts=list(said), speaker=speaker)
    # Outside of the transaction, which keeps the row: a wrong answer counts.
    raise IdentityRefused(TOO_MANY if wrong.wrong + 1 >= MOST_WRONG else SOMETHING_WRONG)


@transaction.atomic
def override(
    *,
    call: Call,
    patient: Patient,
    reason: str,
    speaker: RelatedPerson | None = None,
    stranger: str = "",
    by: Actor,
) -> Identity:
    """Opens the details without two facts, for a reason that is kept; raises IdentityRefused without one."""
    call = _call_in_progress(call)
    reason = " ".join(reason.split())
    if len(reason) < 3:
        raise IdentityRefused("Say why.", {"reason": "Say why this may be told without two facts."})
    speaker = _may_speak(speaker, patient)
    name = "" if speaker else stranger.strip()[:200]
    _add(call, patient, Result.OVERRIDDEN, by, reason=reason, speaker=speaker, speaker_name=name)
    return _opened(call, patient, f"Told without two facts: {reason}", by)


@transaction.atomic
def speaks(
    *, call: Call, patient: Patient, speaker: RelatedPerson | None = None, stranger: str = "", by: Actor
) -> Identity:
    """Notes who is on the line; details that were open for somebody else close again."""
    call = _call_in_progress(call)
    speaker = _may_speak(speaker, patient)
    name = "" if speaker else stranger.strip()[:200]
    _add(call, patient, Result.NOTED, by, speaker=speaker, speaker_name=name)
    return state_of(call, patient)


def on_file(call: Call, patient: Patient) -> list[str]:
    """The facts that can be asked for: those the record knows."""
    points = set(ContactPoint.objects.filter(patient=patient).values_list("system", flat=True))
    known = {
        Fact.BIRTH_DATE: patient.birth_date is not None,
        Fact.PHONE: ContactPoint.System.PHONE in points,
        Fact.POSTAL_CODE: bool(_postal_code(patient)),
        Fact.EMAIL: ContactPoint.System.EMAIL in points,
        Fact.LAST_VISIT: _last_visit(patient) is not None,
    }
    return [fact for fact in Fact.values if known[Fact(fact)]]


def compared(
    call: Call, patient: Patient, said: Mapping[str, str], speaker: RelatedPerson | None
) -> list[bool]:
    """Whether each fact is right; raises IdentityRefused with a text for each field that cannot be read."""
    today = patient.practice.today()
    right: list[bool] = []
    errors: dict[str, str] = {}
    for fact, typed in said.items():
        try:
            right.append(_is_right(Fact(fact), typed, call, patient, speaker, today))
        except ValueError as unreadable:
            errors[fact] = str(unreadable)
    if errors:
        raise IdentityRefused("Please look at the marked fields.", errors)
    return right


def _is_right(
    fact: IdentityCheck.Fact,
    typed: str,
    call: Call,
    patient: Patient,
    speaker: RelatedPerson | None,
    today: dt.date,
) -> bool:
    if fact == Fact.BIRTH_DATE:
        return bool(parse_birth_date(typed, today) == patient.birth_date)
    if fact == Fact.LAST_VISIT:
        return parse_past_day(typed, today) == _last_visit(patient)
    if fact == Fact.POSTAL_CODE:
        digits = "".join(letter for letter in typed if letter.isascii() and letter.isalnum()).upper()
        if not 4 <= len(digits) <= 10:
            raise ValueError("A ZIP code has five digits.")
        return bool(_postal_code(patient)) and digits[:5] == _postal_code(patient)[:5]
    if fact == Fact.EMAIL:
        return _has_point(patient, ContactPoint.System.EMAIL, parse_email(typed))
    number = parse_phone(typed)
    if call.address and number == call.address:
        raise ValueError(SAME_NUMBER)
    own = speaker is not None and bool(speaker.phone) and number == speaker.phone
    return own or _has_point(patient, ContactPoint.System.PHONE, number)


def _has_point(patient: Patient, system: str, value: str) -> bool:
    index = ContactPoint.index_for(patient.practice_id, system, value)
    return ContactPoint.objects.filter(patient=patient, system=system, value_index=index).exists()


def _postal_code(patient: Patient) -> str:
    stored = str((patient.address or {}).get("postal_code") or "")
    return "".join(letter for letter in stored if letter.isalnum()).upper()


def _last_visit(patient: Patient) -> dt.date | None:
    asked: Callable[[Patient], dt.date | None] = import_string(settings.LAST_VISIT_DAY)
    return asked(patient)


def _call_in_progress(call: Call) -> Call:
    """The call, locked: two answers typed at once count as two."""
    found: Call = Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
    if not found.is_present:
        raise IdentityRefused("The call has ended. Nothing more is told in it.")
    return found


def _may_speak(speaker: RelatedPerson | None, patient: Patient) -> RelatedPerson | None:
    """The related person as she stands now; raises IdentityRefused for one whose permission has ended."""
    if speaker is None:
        return None
    now = RelatedPerson.objects.filter(pk=speaker.pk, patient=patient, ended_at=None).first()
    if now is None:
        raise IdentityRefused("This person may not speak for the patient any more.")
    return now


def _add(call: Call, patient: Patient, result: str, by: Actor, **fields: object) -> None:
    if by.user is None:
        raise IdentityRefused("Only a person can say who speaks.")
    row = IdentityCheck(
        practice=call.practice, call=call, patient=patient, result=result, checked_by=by.user, **fields
    )
    row.save(force_insert=True)
    audit.record(f"identity.{result}", row, by=by, patient_id=patient.pk)
    changes.announce(call.practice, "calls")


def _opened(call: Call, patient: Patient, why: str, by: Actor) -> Identity:
    """The state after the details were opened, with its line in the accounting of disclosures."""
    now = state_of(call, patient)
    if now.stranger:
        what = "What the reason names"
    elif now.speaker:
        what = f"Told of: {now.speaker.told or 'nothing'}"
    else:
        what = "Details of the record, to the patient herself or himself"
    disclose(patient=patient, subject=call, recipient=now.who, what=what, why=why, by=by)
    return now
