"""Two practices in one house: a walk of every address with the other practice's ids.

Whoever works for the first practice asks each door of both, with everything the second one owns: nothing of
it may be seen, nothing of it may change, and no door may stumble (SECURITY.md A4).
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db import connections, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern
from twilio.request_validator import RequestValidator

from frontdesk import reviews
from frontdesk.models import Finding, Handover, Review
from messaging import broadcasts, inbox, on_call
from messaging.complaints import open_complaint
from messaging.models import (
    Attachment,
    Call,
    CallCommand,
    Conversation,
    Message,
    Recording,
    SavedReply,
    Task,
)
from messaging.staff_messages import take_message
from messaging.staff_tasks import open_task
from patients.flags import raise_flag
from patients.models import PatientWish
from patients.registry import ConsentGiven, ContactGiven, register_patient
from patients.related import add_related
from practices.apikeys import create_api_key
from practices.card import save_card
from practices.models import Closure, Location, Membership, Role, Room
from practices.tenancy import inside
from scheduling import recalls
from scheduling.availability import free_times
from scheduling.booking import book_appointment
from scheduling.followups import order_follow_up
from scheduling.links import create_link
from scheduling.models import (
    Appointment,
    Change,
    OutCase,
    ReminderRule,
    ReservedBlock,
    Resource,
    ResourceTimeOff,
    Series,
    SettledFinding,
    TimeOff,
    TimeRequest,
)
from scheduling.offering import offer_next
from scheduling.openings import place_opening
from scheduling.waitlist import add_entry
from tests.factories import a_member, a_practice, a_practitioner, a_type, a_user, an_actor
from tests.houses import rows_of

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = "http://testserver"
TOKEN = "the-token-of-both-lines"
# What only the second practice knows. Each is a word that no page of ours contains.
CANARIES = ("xanthippe", "quorlowe", "zibeline", "vermicious", "obfuscata", "tintinnabula", "(503) 555-0199")
CANARIES += ("+15035550199", "x.quorlowe@example.org")
# Doors of libraries: they know people who sign in, no practice and no patient.
OTHER_HOUSES = ("account/", "platform-support/")


@dataclass(frozen=True)
class Door:
    """One address of the URL map."""

    route: str
    pattern: URLPattern
    arguments: tuple[str, ...]
    parts: Callable[[dict[str, str]], str] = field(repr=False)

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api/v1/")

    def address(self, values: dict[str, str]) -> str:
        # Only a finding that is a task can be finished there; others are not found, whoever asks.
        if self.route.endswith("<uuid:finding_id>/done/"):
            values = values | {"finding_id": values["task_finding"]}
        return "/" + self.parts(values)

    def __str__(self) -> str:
        return self.route


def doors(resolver: Any = None, prefix: str = "") -> Iterator[Door]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + written(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from doors(pattern, route)
        else:
            names = tuple(re.findall(r"<(?:\w+:)?(\w+)>", route))
            yield Door(route, pattern, names, lambda values, route=route: filled(route, values))


def written(pattern: Any) -> str:
    """A route as text; of a regular expression, its named parts as if they were a route's."""
    if isinstance(pattern, RoutePattern):
        return str(pattern)
    text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", str(pattern))
    return text.lstrip("^").rstrip("$").replace("\\", "")


def filled(route: str, values: dict[str, str]) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: values[match[1]], route)


def a_house(slug: str, given: str, family: str, secret: str, phone: str, email: str, actor: str) -> Any:
    """A practice with one of everything that an address can name."""
    practice = a_practice(slug, quiet_from=dt.time(0), quiet_until=dt.time(0))
    member = a_member(practice, a_user(actor), Role.RECEPTIONIST, Role.MANAGER, Role.CLINICIAN)
    by = an_actor(member)
    clinician = a_practitioner(practice, f"Dr. {secret.title()}", user=member.user)
    kind = a_type(practice, f"Visit {secret}", practitioners=[clinician])
    with inside(practice):
        patient = register_patient(
            given=given, family=family, birth_date=dt.date(1971, 2, 3), know_first=f"{secret} first",
            phones=[ContactGiven(phone, "mobile", 1)], emails=[ContactGiven(email, "mobile", 1)],
            consents=[ConsentGiven("sms", True, "phone")], by=by,
        )  # fmt: skip
        tomorrow = practice.now().replace(hour=0, minute=0) + dt.timedelta(days=1)
        (time, *_) = free_times(
            appointment_type=kind, from_=tomorrow, until=tomorrow + dt.timedelta(days=1), limit=1
        )
        visit = book_appointment(
            patient=patient, practitioner=clinician, appointment_type=kind, starts_at=time.starts_at,
            reason=f"{secret} reason", note=f"{secret} note", by=by,
        )  # fmt: skip
        inbox.receive(supplier_id=f"SM{slug}", from_=phone, body=f"{secret}, could I bring my aunt?")
        open_task(
            kind=Task.Kind.FOLLOW_UP, due_at=practice.now(), once_key=f"walk:{slug}", patient=patient, by=by
        )
        for name in ("morning", "evening"):
            reviews.start_review(kind=name, date=practice.today(), by=by)
        finding = Finding.objects.filter(review__kind="evening", appointment=visit).get()
        task_finding = Finding.objects.get(review__kind="evening", check_name="tasks")
        handover, _ = Handover.objects.get_or_create(
            practice=practice,
            review=Review.objects.get(kind="morning"),
            defaults={"text": f"{secret} note", "sent_at": practice.now()},
        )
        _, key = create_api_key(user=member.user, by=by)
        _, token = create_link(visit)
        incoming = Message.objects.get(direction="in")
        closure = Closure.objects.create(
            practice=practice, first_day=dt.date(2099, 1, 1), last_day=dt.date(2099, 1, 1), reason=secret
        )
        away = TimeOff.objects.create(
            practice=practice, practitioner=clinician, label=secret,
            starts_at=tomorrow + dt.timedelta(days=20), ends_at=tomorrow + dt.timedelta(days=21),
        )  # fmt: skip
        staff = take_message(
            kind="clinical", body=f"{secret} message", patient=patient, callback_number=phone,
            read_back=True, urgency=0, once_key="walk", by=by,
        )  # fmt: skip
        shift = on_call.save_shift(
            user=member.user, rank=1, starts_at=tomorrow, ends_at=tomorrow + dt.timedelta(hours=8), by=by
        )
        broadcast = broadcasts.draft(
            audience="day", args={"option": "tomorrow"}, body_en=f"{secret} words", by=by
        )
        call = Call.objects.create(
            practice=practice, direction="in", status="live", address=phone, patient=patient,
            handler=member.user, note=f"{secret} call",
        )  # fmt: skip
        command = CallCommand.objects.create(
            practice=practice, call=call, verb="answer", status="done", created_by=member.user
        )
        recording = Recording.objects.create(
            practice=practice, call=call, supplier_id=f"RE{practice.pk:032x}", state="stored",
            audio=b"ID3" + secret.encode(), transcript=f"{secret} voicemail", next_try_at=None,
        )  # fmt: skip
        related = add_related(
            patient=patient, name=f"{secret} aunt", relationship="other", may=["appointments"], by=by
        )
        flag = raise_flag(patient=patient, kind="upset", words=f"{secret} flag", by=by)
        complaint = open_complaint(
            what_happened=f"{secret} wait", patient=patient, call=call, once_key="walk", by=by
        )
        picture = Attachment.objects.create(
            practice=practice, message=incoming, state="clean", found_type="image/gif", size=40,
            content=b"GIF89a" + secret.encode(),
        )  # fmt: skip
        reply = SavedReply.objects.create(practice=practice, name=secret, body_en=f"{secret} reply")
        rule = recalls.save_rule(appointment_type=kind, months=12, weeks_before=4, channel="sms", by=by)
        due = order_follow_up(
            patient=patient, appointment_type=kind, due_on=practice.today() + dt.timedelta(days=20),
            note=f"{secret} due", by=by,
        )  # fmt: skip
        entry = add_entry(
            patient=patient, source="record", types=[kind.pk], notice_hours=0, note=f"{secret} wish", by=by
        )
        later = free_times(
            appointment_type=kind, from_=tomorrow + dt.timedelta(days=2),
            until=tomorrow + dt.timedelta(days=4), limit=1,
        )[0]  # fmt: skip
        opening = place_opening(
            practitioner=clinician, starts_at=later.starts_at, ends_at=later.ends_at, by=by
        )
        (offer,) = offer_next(opening=opening, by=by)
        settled = SettledFinding.objects.create(
            practice=practice, once_key=f"wrong_length:{visit.pk}", check_name="wrong_length",
            detail=f"{secret} detail", appointment=visit, word=secret[:40], settled_by=member.user,
        )  # fmt: skip
        save_card(content={"greeting": f"{secret} here"}, base=0, by=by)
        case = OutCase.objects.create(
            practice=practice, practitioner=clinician, label=secret,
            starts_at=tomorrow + dt.timedelta(days=30), ends_at=tomorrow + dt.timedelta(days=31),
        )  # fmt: skip
        asked = TimeRequest.objects.create(
            practice=practice, case=case, appointment=visit, wishes=f"{secret} wish"
        )
        series = Series.objects.create(
            practice=practice, patient=patient, rule="FREQ=WEEKLY;COUNT=2", total=2, made_by=member.user
        )
        Appointment.objects.filter(pk=visit.pk).update(series=series, series_position=1)
        place = Location.objects.create(practice=practice, name=secret)
        room = Room.objects.create(practice=practice, location=place, name=secret[:40])
        interpreter = Resource.objects.create(practice=practice, kind="interpreter", name=secret)
        booked_up = ResourceTimeOff.objects.create(
            practice=practice, resource=interpreter, label=secret,
            starts_at=tomorrow + dt.timedelta(days=20), ends_at=tomorrow + dt.timedelta(days=21),
        )  # fmt: skip
        wish = PatientWish.objects.create(practice=practice, patient=patient, kind="not-before", details={})
        block = ReservedBlock.objects.create(
            practice=practice, name=secret[:40], weekday=1, starts=dt.time(9), ends=dt.time(10),
            opens_days_before=0, opens_at=dt.time(7),
        )  # fmt: skip
        ids = {
            "wish_id": wish.pk, "location_id": place.pk, "room_id": room.pk,
            "resource_id": interpreter.pk, "resource_off_id": booked_up.pk, "block_id": block.pk,
            "series_id": series.pk,
            "case_id": case.pk, "request_id": asked.pk,
            "practice": slug, "card_version": 1, "patient_id": patient.pk, "appointment_id": visit.pk,
            "message_id": incoming.pk, "task_id": Task.objects.get(message=incoming).pk,
            "change_id": Change.objects.get(appointment=visit).pk, "finding_id": finding.pk,
            "handover_id": handover.pk, "membership_id": member.pk, "member_id": member.pk,
            "practitioner_id": clinician.pk, "type_id": kind.pk, "user_id": member.user.pk,
            "closure_id": closure.pk, "time_off_id": away.pk, "number": 0, "task_finding": task_finding.pk,
            "staff_message_id": staff.pk, "shift_id": shift.pk, "broadcast_id": broadcast.pk,
            "attachment_id": picture.pk, "reply_id": reply.pk, "wording": "reminder", "way": "sms",
            "language": "en",
            "conversation_id": Conversation.objects.get(patient=patient).pk,
            "command_id": command.pk, "recording_id": recording.pk,
            "call_id": call.pk, "related_id": related.pk, "flag_id": flag.pk, "complaint_id": complaint.pk,
            "settled_id": settled.pk, "follow_up_id": due.pk, "recall_rule_id": rule.pk,
            "kind": "morning", "check": "tomorrow", "token": token, "rule_id": ReminderRule.objects.get().pk,
            "entry_id": entry.pk, "opening_id": opening.pk, "offer_id": offer.pk,
        }  # fmt: skip
    ids |= {"uidb36": "1", "key": "x-y", "app_label": "practices", "url": "x", "object_id": str(patient.pk)}
    ids |= {"content_type_id": "1"}
    house = SimpleNamespace(practice=practice, member=member, clinician=clinician, type=kind, key=key)
    house.patient, house.visit, house.message, house.token = patient, visit, incoming, token
    house.ids = {name: str(value) for name, value in ids.items()}
    return house


@pytest.fixture
def houses(transactional_db: None, settings: Any) -> SimpleNamespace:
    settings.PUBLIC_URL, settings.TWILIO_AUTH_TOKEN = PUBLIC, TOKEN
    ours = a_house(
        "harbor-street", "Marisol", "Vega", "plain", "+15035550142", "m@example.org", "a@x.example"
    )
    theirs = a_house(
        "cedar-park", "Xanthippe", "Quorlowe", "zibeline vermicious", "+15035550199",
        "x.quorlowe@example.org", "obfuscata@tintinnabula.example",
    )  # fmt: skip
    return SimpleNamespace(ours=ours, theirs=theirs)


def fields_of(house: Any) -> dict[str, Any]:
    """Every field that some form of ours reads, filled with what belongs to a house."""
    slot = f"{house.clinician.pk}|{house.visit.starts_at + dt.timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
    return {
        "q": "xanthip", "typed": "", "name": "Xanthip Quorlo", "given": "Xanthip", "family": "Quorlo",
        "birth_date": "2/3/71", "patient": str(house.patient.pk), "for": str(house.patient.pk),
        "practitioner": str(house.clinician.pk), "clinician": str(house.clinician.pk),
        "with_whom": str(house.clinician.pk), "visit_type": str(house.type.pk), "type": str(house.type.pk),
        "slot": slot, "picked": slot, "take": slot, "appointment": str(house.visit.pk),
        "visit": str(house.visit.pk), "version": "1", "stage": "arrived", "reason": "pat", "note": "seen",
        "scope": "all",
        "before": "", "text": "A note", "body": "Hello", "decision": "stop", "outcome": "reached",
        "minutes": "60", "owner": str(house.member.user.pk), "person": str(house.member.user.pk),
        "due_at": "2099-01-01T09:00", "term": "1.0900", "channel": "sms", "granted": "yes", "how": "phone",
        "d": f"{house.visit.local_date}", "day": f"{house.visit.local_date}", "from": "2099-01-01",
        "until": "2099-01-02", "local_time": "2099-01-01T09:00", "sex": "unknown", "language": "en",
        "preferred_channel": "sms", "who": str(house.clinician.pk), "membership": str(house.member.pk),
        "message": str(house.message.pk), "theme": "auto", "call": house.ids["call_id"],
        "what_happened": "Waited", "by_when": "2099-01-01T09:00", "to": str(house.member.user.pk),
        "speaker": house.ids["related_id"], "relationship": "other", "words": "Seen", "days": "3",
        "resolution": "Settled", "grounds": "legal", "insert": house.ids["reply_id"],
        "check": "wrong_length", "word": "Agreed", "repair": "length",
        "start": f"{house.visit.starts_at + dt.timedelta(hours=1):%Y-%m-%dT%H:%MZ}",
    }  # fmt: skip


def leaks(response: HttpResponse) -> list[str]:
    """The canaries in an answer, its headers included."""
    body = b"" if response.streaming else response.content
    text = (body.decode(errors="replace") + str(dict(response.headers))).lower()
    return [canary for canary in CANARIES if canary in text]


def ask(client: Client, method: str, address: str, data: dict[str, Any], **headers: str) -> HttpResponse:
    """One request; what goes wrong inside comes out as 500, as it would for a caller."""
    client.raise_request_exception = False
    if address == reverse("all-live"):
        # Not in this thread: a browser test before may have left its event loop in it.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(asked_elsewhere, getattr(client, method), address).result()
    if headers.get("api"):
        asked = client.generic(
            method.upper(), address, json.dumps(data), content_type="application/json",
            headers={"Authorization": headers["api"]},
        )  # fmt: skip
    else:
        asked = getattr(client, method)(address, data, headers={"HX-Request": "true"} if data else {})
    if asked.streaming:
        asked.close()
    return asked


def asked_elsewhere(method: Any, address: str) -> HttpResponse:
    try:
        return cast(HttpResponse, method(address))
    finally:
        connections.close_all()


def complaints(
    door: Door, client: Client, values: dict[str, str], data: dict[str, Any], allowed: set[int], key: str = ""
) -> Iterator[str]:
    """What is wrong with the answers of one door to all methods."""
    methods = ("get", "post", "put", "patch", "delete") if door.is_api else ("get", "post")
    for method in methods:
        address = door.address(values)
        answer = ask(client, method, address, data, **({"api": key} if key else {}))
        if answer.status_code not in allowed | {405}:
            yield f"{method} {door}: {answer.status_code}"
        if found := leaks(answer):
            yield f"{method} {door}: shows {found}"


def walk(houses: Any, role: Role | None, *, api: bool) -> list[str]:
    """Everything wrong with all doors, for a person of our practice who asks with the other one's ids."""
    client, key = Client(), ""
    with inside(houses.ours.practice):
        Membership.objects.filter(pk=houses.ours.member.pk).update(roles=[role] if role else [])
    if role and not api:
        client.force_login(houses.ours.member.user)
    if api:
        key = f"Bearer {houses.ours.key}" if role else "Bearer"
    found: list[str] = []
    theirs, fields = houses.theirs.ids, fields_of(houses.theirs)
    for door in doors():
        if door.is_api is not api or door.route.startswith(("hooks/", "v/", "f/", "n/", "o/", *OTHER_HOUSES)):
            continue
        if "<slug:practice>" not in door.route:
            one = Client() if door.route == "lock/" else client
            found += complaints(door, one, theirs, fields, OWN_ANSWERS | {503}, key)
            continue
        # Another practice's door is not there, whatever one's role at home; a stranger has to sign in first.
        if role is not Role.RECEPTIONIST:
            closed = {404} if role else {302, 401}
            found += complaints(door, client, theirs, fields, closed, key)
        # Our own door with their ids: the row is not there. Where only fields name rows, nothing comes of it.
        if role:
            names_a_row = any(name.endswith("_id") for name in door.arguments)
            expected = {404, 403} if names_a_row else OWN_ANSWERS
            mixed = theirs | {"practice": houses.ours.ids["practice"]}
            found += complaints(door, client, mixed, fields, expected, key)
    return found


OWN_ANSWERS = {200, 201, 204, 302, 303, 400, 401, 403, 404, 409, 422}


def test_every_address_has_its_arguments(houses: Any) -> None:
    """A new kind of argument is added to `a_house`, or its door would stay untried."""
    unfuzzed = [str(door) for door in doors() if not set(door.arguments) <= set(houses.theirs.ids)]
    assert unfuzzed == []


@pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.MANAGER, None])
def test_no_page_knows_the_other_practice(houses: Any, role: Role | None) -> None:
    before = rows_of(houses.theirs.practice)
    assert not walk(houses, role, api=False)
    assert rows_of(houses.theirs.practice) == before


@pytest.mark.parametrize("role", [Role.MANAGER, None])
def test_no_door_of_the_api_knows_the_other_practice(houses: Any, role: Role | None) -> None:
    before = rows_of(houses.theirs.practice)
    assert not walk(houses, role, api=True)
    assert rows_of(houses.theirs.practice) == before


def test_the_walk_would_find_them(houses: Any) -> None:
    """The control: with the same arguments its own people are let in and see what is there."""
    client, seen = Client(), set()
    client.force_login(houses.theirs.member.user)
    refused = []
    for door in doors():
        if not door.route.startswith("p/<slug:practice>/"):
            continue
        for method in ("get", "post"):
            with transaction.atomic():
                answer = ask(client, method, door.address(houses.theirs.ids), fields_of(houses.theirs))
                transaction.set_rollback(True)
            if answer.status_code != 405:
                break
        seen |= set(leaks(answer))
        if answer.status_code in {401, 403, 404, 500}:
            refused.append(f"{method} {door}: {answer.status_code}")
    assert not refused
    assert seen >= {"xanthippe", "quorlowe", "zibeline", "(503) 555-0199"}


def test_the_hash_sees_one_changed_word(houses: Any) -> None:
    before = rows_of(houses.theirs.practice)
    with inside(houses.theirs.practice):
        Appointment.objects.update(confirmed_by="phone")
    after = rows_of(houses.theirs.practice)
    assert [table for table in before if before[table] != after[table]] == ["scheduling_appointment"]


def test_one_foreign_id_among_own_ones_is_not_found(houses: Any) -> None:
    """Not only the address: each id in the body is looked for in the own practice alone."""
    ours, theirs = houses.ours, houses.theirs
    whole = {"patient": ours.patient.pk, "practitioner": ours.clinician.pk, "type": ours.type.pk}
    foreign = {"patient": theirs.patient.pk, "practitioner": theirs.clinician.pk, "type": theirs.type.pk}
    time = {"starts_at": (ours.visit.starts_at + dt.timedelta(hours=2)).isoformat()}
    base, key = f"/api/v1/p/{ours.practice.slug}", f"Bearer {ours.key}"
    for name, value in foreign.items():
        body = {k: str(v) for k, v in (whole | {name: value}).items()} | time
        assert ask(Client(), "post", f"{base}/appointments/", body, api=key).status_code == 404, name
    moved = {"version": 1, "practitioner": str(theirs.clinician.pk)} | time
    there = f"{base}/appointments/{ours.visit.pk}/reschedule/"
    assert ask(Client(), "post", there, moved, api=key).status_code == 404
    booked = {name: str(value) for name, value in whole.items()} | time
    assert ask(Client(), "post", f"{base}/appointments/", booked, api=key).status_code == 201


def test_a_link_opens_only_with_both_its_halves(houses: Any) -> None:
    ours, theirs = houses.ours, houses.theirs
    secret = theirs.token.removeprefix(theirs.practice.link_code)
    before = rows_of(theirs.practice)
    guesses = [ours.practice.link_code + secret, theirs.practice.link_code + "A" * len(secret), secret]
    found: list[str] = []
    for door in doors():
        if door.route.startswith(("v/", "f/", "n/", "cal/", "o/")):
            for guess in guesses:
                data = {"birth_date": "2/3/71", "wish": "Xanthip"}
                found += complaints(door, Client(), {"token": guess}, data, {404})
    assert not found
    assert rows_of(theirs.practice) == before


def signed(address: str, form: dict[str, str], claimed: str = "") -> HttpResponse:
    signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}{claimed or address}", form)
    return Client(raise_request_exception=False).post(
        address, form, headers={"X-Twilio-Signature": signature}
    )


def test_the_suppliers_doors_know_one_practice_each(houses: Any) -> None:
    """A number may write to either, and a status may name only messages of the practice in the address."""
    ours, theirs = houses.ours, houses.theirs
    before = rows_of(theirs.practice)
    form = {"MessageSid": "SM1", "From": "+15035550199", "To": str(ours.practice.line_number), "Body": "YES"}
    assert signed(f"/hooks/twilio/{ours.practice.slug}/received/", form).status_code == 200
    status = {"MessageSid": "SM2", "MessageStatus": "delivered"}
    crossed = f"/hooks/twilio/{ours.practice.slug}/status/{theirs.message.pk}/"
    assert signed(crossed, status).status_code in {204, 404}
    for mine, other in (("received/", form), (f"status/{theirs.message.pk}/", status)):
        address = f"/hooks/twilio/{theirs.practice.slug}/{mine}"
        ours_signed = f"/hooks/twilio/{ours.practice.slug}/{mine}"
        assert signed(address, other, claimed=ours_signed).status_code == 403
    assert rows_of(theirs.practice) == before
