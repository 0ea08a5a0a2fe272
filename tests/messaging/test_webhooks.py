"""The supplier's doors: only what it signed, each call once, in any order."""

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, connections
from django.http import QueryDict
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from messaging import delivery, receipts
from messaging.models import Attachment, Message, Suppression, Task, WebhookReceipt
from practices.audit import SYSTEM
from practices.models import AuditEntry, Practice, TextingAccount
from practices.tenancy import inside
from tests.factories import a_practice
from tests.messaging.conftest import PHONE, a_text, a_texting_patient, stored, the_phone
from tools.pretend_supplier.client import PretendSupplier

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.messaging.urls")]

TOKEN, BASE = "a-token-of-the-house", "https://desk.example"
FORM = {"MessageSid": "SM1", "From": PHONE, "To": "+15035550100", "Body": "hello there", "NumMedia": "0"}


@pytest.fixture(autouse=True)
def house(settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN, settings.PUBLIC_URL = TOKEN, BASE
    settings.REPLY_HANDLERS = []


def path(practice: Practice, message: Message | None = None) -> str:
    tail = f"status/{message.pk}/" if message else "received/"
    return f"/hooks/twilio/{practice.slug}/{tail}"


def signature(url: str, form: dict[str, Any], token: str = TOKEN) -> str:
    return str(RequestValidator(token).compute_signature(BASE + url, form))


def post(url: str, form: dict[str, Any], signed: str | None = None, **more: Any) -> Any:
    signed = signature(url, form) if signed is None else signed
    return Client().post(url, form, headers={"X-Twilio-Signature": signed}, **more)


def everything(practice: Practice) -> dict[str, int]:
    with inside(practice):
        models = (Message, Suppression, Task, WebhookReceipt, AuditEntry)
        return {model.__name__: model.objects.count() for model in models}


def test_a_signed_text_is_taken_at_once(practice, patient):
    started = time.monotonic()
    answer = post(path(practice), FORM)
    assert time.monotonic() - started < 1
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
    assert b"<Message" not in answer.content
    with inside(practice):
        message = Message.objects.get()
        assert (message.patient, message.body, message.address) == (patient, "hello there", PHONE)
        assert message.needs_person
        receipt = WebhookReceipt.objects.get()
        assert receipt.raw["Body"] == "hello there"
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.practice_id', %s, false)", [str(practice.pk)])
        cursor.execute("SELECT encode(raw, 'escape') FROM messaging_webhookreceipt")
        assert "hello" not in cursor.fetchone()[0]
        cursor.execute("SELECT set_config('app.practice_id', '', false)")


def a_wrong_signature(case: str, url: str, practice: Practice) -> str | None:
    return {
        "forged": "bm90IGEgc2lnbmF0dXJlIGF0IGFsbA==",
        "empty": "",
        "non-ascii": "s\u00edgnature",
        "wrong token": signature(url, FORM, "another-token"),
        "empty token": signature(url, FORM, ""),
        "http": str(RequestValidator(TOKEN).compute_signature("http://desk.example" + url, FORM)),
        "other host": str(RequestValidator(TOKEN).compute_signature("https://testserver" + url, FORM)),
        "other port": str(RequestValidator(TOKEN).compute_signature("https://desk.example:8443" + url, FORM)),
        "no slash": signature(url.rstrip("/"), FORM),
        "one more field": signature(url, FORM | {"Extra": "1"}),
        "one field less": signature(url, {k: v for k, v in FORM.items() if k != "NumMedia"}),
        "trimmed": signature(url, FORM | {"Body": "hello there "}),
    }.get(case)


CASES = [
    "forged",
    "empty",
    "non-ascii",
    "wrong token",
    "empty token",
    "http",
    "other host",
    "other port",
    "no slash",
    "one more field",
    "one field less",
    "trimmed",
]


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_signed_for_this_address_writes_nothing(practice, case):
    url, before = path(practice), everything(practice)
    wrong = a_wrong_signature(case, url, practice)
    assert wrong is not None
    answer = post(url, FORM, wrong.encode().decode("latin-1") if case == "non-ascii" else wrong)
    assert (answer.status_code, answer.content) == (403, b"")
    assert everything(practice) == before


def test_without_the_signature_check_a_forged_text_would_be_taken(practice, settings):
    """The control."""
    settings.SWITCHED_OFF = frozenset({"webhook-signature"})
    assert post(path(practice), FORM, "forged").status_code == 200
    assert everything(practice)["Message"] == 1


def test_a_missing_signature_is_refused_and_no_error(practice):
    assert Client().post(path(practice), FORM).status_code == 403
    assert everything(practice)["WebhookReceipt"] == 0


def test_no_token_configured_means_nobody_can_sign(practice, settings):
    settings.TWILIO_AUTH_TOKEN = ""
    assert post(path(practice), FORM, signature(path(practice), FORM, "")).status_code == 403


def test_one_practices_signature_opens_no_other_practice(practice):
    other = a_practice("cedar-park")
    for owner, token in ((practice, "first-token"), (other, "second-token")):
        with inside(owner):
            TextingAccount.objects.create(
                practice=owner, account_sid="AC" + f"{owner.pk:032x}", auth_token=token
            )
    url = path(other)
    assert post(url, FORM, signature(url, FORM, "first-token")).status_code == 403
    assert everything(other)["Message"] == 0
    assert post(url, FORM, signature(url, FORM, "second-token")).status_code == 200
    assert (everything(other)["Message"], everything(practice)["Message"]) == (1, 0)


def test_the_same_phone_in_two_practices_is_kept_apart(practice, patient):
    other = a_practice("cedar-park")
    a_texting_patient(other, PHONE, given="Tom")
    post(path(practice), FORM)
    assert (everything(other)["Message"], everything(practice)["Message"]) == (0, 1)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"data": b"x" * 70_000, "content_type": "application/x-www-form-urlencoded"}, 413),
        ({"data": b"a=1&" * 10_000, "content_type": "application/x-www-form-urlencoded"}, 400),
        ({"data": b'{"MessageSid": "SM1"}', "content_type": "application/json"}, 403),
        ({"data": b"\xff\xfe=\xff", "content_type": "application/x-www-form-urlencoded"}, 403),
        ({"data": b"--x", "content_type": "multipart/form-data; boundary=x"}, 403),
        ({"data": b"", "content_type": ""}, 403),
    ],
)
def test_garbage_is_refused_and_writes_nothing(practice, change, status):
    before = everything(practice)
    answer = Client(raise_request_exception=False).post(
        path(practice), headers={"X-Twilio-Signature": "x"}, **change
    )
    assert answer.status_code == status
    assert everything(practice) == before


def test_only_posts_and_only_known_practices(practice):
    assert Client().get(path(practice)).status_code == 405
    url = "/hooks/twilio/nobody/received/"
    assert post(url, FORM).status_code == 403
    assert (
        Client()
        .post(path(practice) + "?bodySHA256=00", FORM, headers={"X-Twilio-Signature": "x"})
        .status_code
        == 403
    )


def at_once(times: int, job: Any) -> list[Any]:
    barrier, answers = threading.Barrier(times), []

    def run() -> None:
        barrier.wait()
        try:
            answers.append(job())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_twenty_replays_at_once_have_one_effect(practice, patient):
    form = FORM | {"Body": "Do I have to come without breakfast?"}
    answers = at_once(20, lambda: post(path(practice), form).status_code)
    assert answers == [200] * 20
    after = everything(practice)
    assert (after["Message"], after["Task"], after["WebhookReceipt"]) == (1, 1, 1)


def test_twenty_replays_of_help_answer_once(practice, patient):
    at_once(20, lambda: post(path(practice), FORM | {"Body": "HELP"}).status_code)
    with inside(practice):
        assert Message.objects.filter(direction="out").count() == 1


def test_without_the_receipt_a_replay_is_not_met_with_calm(practice, patient, settings):
    """The control: with the receipt off, only the outbox's own constraint still holds, as an error."""
    settings.SWITCHED_OFF = frozenset({"replay"})
    client = Client(raise_request_exception=False)
    headers = {"X-Twilio-Signature": signature(path(practice), FORM)}
    assert [client.post(path(practice), FORM, headers=headers).status_code for _ in range(2)] == [200, 500]


@pytest.fixture
def on_the_wire(practice: Practice, live_server: Any, settings: Any) -> Iterator[PretendSupplier]:
    """The whole loop over HTTP: the supplier posts back to a live server, signed."""
    settings.PUBLIC_URL = live_server.url
    url = f"{live_server.url}{path(practice)}"
    with PretendSupplier({str(practice.line_number): url}) as supplier:
        settings.TWILIO_BASE_URL, settings.TWILIO_ACCOUNT_SID = supplier.base_url, supplier.account_sid
        settings.TWILIO_AUTH_TOKEN, settings.TWILIO_TIMEOUT_SECONDS = supplier.auth_token, 0.5
        settings.DELIVERY_GRACE_SECONDS = 0.0
        yield supplier


def test_a_text_is_delivered_and_the_thread_knows(practice, patient, on_the_wire):
    message = a_text(practice, patient)
    delivery.deliver_due(practice)
    on_the_wire.settle()
    assert stored(practice, message).status == "delivered"
    assert all(hook["tries"] == ["204"] for hook in on_the_wire.webhooks())


def test_an_uncertain_text_is_settled_by_its_callback(practice, patient, on_the_wire, settings):
    settings.DELIVERY_GRACE_SECONDS = 60
    on_the_wire.fault("500-after")
    message = a_text(practice, patient)
    delivery.deliver_due(practice)
    on_the_wire.settle()
    row = stored(practice, message)
    assert (row.status, bool(row.supplier_id)) == ("delivered", True)
    for _ in range(4):
        delivery.deliver_due(practice)
    assert len(on_the_wire.ledger()) == 1


@pytest.mark.parametrize(
    ("kind", "reason", "unusable"),
    [
        ("unknown", "number_given_up", "number no longer in use"),
        ("landline-late", "landline", "landline"),
        ("filtered", "filtered", ""),
    ],
)
def test_what_does_not_arrive_is_left_to_a_person(practice, patient, on_the_wire, kind, reason, unusable):
    on_the_wire.set_phone(PHONE, kind)
    message = a_text(practice, patient)
    delivery.deliver_due(practice)
    on_the_wire.settle()
    row = stored(practice, message)
    assert (row.status, row.reason) == ("undelivered", reason)
    assert the_phone(practice, patient).unusable == unusable
    with inside(practice):
        assert [task.kind for task in Task.objects.open()] == ["undelivered"]


def test_an_unreachable_phone_gets_two_more_texts_hours_apart_and_then_a_call(practice, patient, on_the_wire):
    on_the_wire.set_phone(PHONE, "unreachable")
    a_text(practice, patient)
    for tries in (1, 2, 3):
        delivery.deliver_due(practice)
        on_the_wire.settle()
        assert len(on_the_wire.ledger()) == tries
        with inside(practice):
            waiting = list(Message.objects.waiting())
            assert len(waiting) == (1 if tries < 3 else 0)
            for row in waiting:
                assert (row.send_after - row.created_at).total_seconds() > 3_600
                row.send_after = row.created_at
                row.save(update_fields=["send_after"])
            assert Task.objects.open().count() == (0 if tries < 3 else 1)


REPORTS = [
    ("queued", ""),
    ("sent", ""),
    ("delivered", ""),
    ("undelivered", "30005"),
    ("undelivered", "30003"),
    ("sending", ""),
]


def final_state(practice: Practice, order: Any, number: int) -> tuple[Any, ...]:
    """The state of a fresh text after reports in this order."""
    patient = a_texting_patient(practice, f"+1503559{number:04d}", given=f"P{number}")
    message = a_text(practice, patient)
    for status, code in order:
        with inside(practice):
            receipts.status_reported(message_id=message.pk, supplier_id="SM1", status=status, code=code)
    row = stored(practice, message)
    with inside(practice):
        open_tasks = Task.objects.open().filter(message=message).count()
        again = Message.objects.waiting().filter(patient=patient).count()
    point = the_phone(practice, patient)
    return (
        row.status,
        row.reason,
        row.error_code,
        row.supplier_id,
        row.claim,
        open_tasks,
        again,
        point.unusable,
    )


_numbers = itertools.count(1)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(REPORTS))
def test_reports_in_any_order_end_in_the_same_state(practice: Practice, order: Any) -> None:
    delivered = ("delivered", "", "", "SM1", None, 0, 0, "")
    assert final_state(practice, order, next(_numbers)) == delivered


def test_a_delivered_text_never_goes_back(practice, patient):
    message = a_text(practice, patient)
    for status in ("delivered", "sent", "queued", "undelivered"):
        with inside(practice):
            receipts.status_reported(message_id=message.pk, supplier_id="SM1", status=status, code="30005")
        assert stored(practice, message).status == "delivered"


def test_a_report_about_a_text_of_another_practice_changes_nothing(practice, patient):
    other = a_practice("cedar-park")
    message = a_text(practice, patient)
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    assert post(path(other, message), form).status_code == 204
    assert stored(practice, message).status == "queued"


def test_twenty_reports_at_once_have_one_effect(practice, patient):
    message = a_text(practice, patient)
    form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30005"}
    assert at_once(20, lambda: post(path(practice, message), form).status_code) == [204] * 20
    after = everything(practice)
    assert (after["Task"], after["WebhookReceipt"]) == (1, 1)


def test_the_actor_of_a_report_is_the_system(practice, patient):
    message = a_text(practice, patient, by=SYSTEM)
    with inside(practice):
        receipts.status_reported(message_id=message.pk, supplier_id="SM1", status="failed", code="30007")
        entry = AuditEntry.objects.get(verb="message.undelivered")
        assert (entry.actor_kind, entry.patient_id) == ("system", patient.pk)


def post_raw(url: str, pairs: list[tuple[str, str]], signed: str) -> Any:
    body = urlencode(pairs)
    return Client().post(
        url, body, content_type="application/x-www-form-urlencoded", headers={"X-Twilio-Signature": signed}
    )


def test_a_field_given_twice_is_refused(practice):
    """The signature does not see a value that stands there twice; which of two counts would be a guess."""
    url, before = path(practice), everything(practice)
    twice = [*FORM.items(), ("From", PHONE)]
    assert post_raw(url, twice, signature(url, FORM)).status_code == 400
    other = QueryDict(mutable=True)
    for name, value in [*FORM.items(), ("From", "+15035550199")]:
        other.appendlist(name, value)
    signed = str(RequestValidator(TOKEN).compute_signature(BASE + url, other))
    assert post_raw(url, [*FORM.items(), ("From", "+15035550199")], signed).status_code == 400
    assert everything(practice) == before


# The supplier signs names and values run together. These say something else with the same letters.
FORGED_SPLITS = [
    {"MessageSid": "SM1N", "umMedia": "0"},
    {"MessageSid": "SM1NumMedia0"},
    {"MessageSid": "SM1Num", "Media": "0"},
    {"MessageSi": "dSM1", "NumMedia": "0"},
]


@pytest.mark.parametrize("split", FORGED_SPLITS)
def test_one_signature_is_one_request(practice, patient, split):
    """A captured request that is cut elsewhere keeps its signature: it must have no second effect."""
    url = path(practice)
    assert post(url, FORM).status_code == 200
    forged = {name: value for name, value in FORM.items() if name not in {"MessageSid", "NumMedia"}} | split
    answer = post(url, forged, signature(url, FORM))
    assert answer.status_code in {400, 403}
    assert everything(practice)["Message"] == 1


def test_fields_that_nobody_knows_change_nothing(practice, patient):
    form = FORM | {
        "ApiVersion": "2010-04-01",
        "FutureField": "x",
        "AccountSid": "AC" + "0" * 32,
        "FromZip": "",
    }
    assert post(path(practice), form).status_code == 200
    assert everything(practice)["Message"] == 1


@pytest.mark.parametrize("length", [None, "10485760", "-1", "99999999999999999999", "x"])
def test_ten_megabytes_are_refused_whatever_length_they_claim(practice, length):
    before = everything(practice)
    body = b"Body=" + b"x" * 10_485_755
    headers: dict[str, Any] = {} if length is None else {"CONTENT_LENGTH": length}
    answer = Client(raise_request_exception=False).post(
        path(practice), body, content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": "x"}, **headers,
    )  # fmt: skip
    assert answer.status_code in {400, 403, 413}
    assert everything(practice) == before


@pytest.mark.parametrize(
    "body", ["\x00", "\ufffe", "\U0010ffff", "\u202e", "🏳️‍🌈" * 300, "a\u0301" * 500, "\r\n.\r\n"]
)
def test_any_letters_are_taken(practice, patient, body):
    assert post(path(practice), FORM | {"Body": body}).status_code == 200
    assert everything(practice)["Message"] == 1


def test_pictures_are_announced_and_not_fetched(practice, patient):
    form = FORM | {
        "NumMedia": "2", "MediaUrl0": "https://api.twilio.com/x/Media/ME0", "MediaContentType0": "image/jpeg",
        "MediaUrl1": "https://api.twilio.com/x/Media/ME1",
    }  # fmt: skip
    assert post(path(practice), form).status_code == 200
    with inside(practice):
        rows = list(Attachment.objects.order_by("position").values_list("state", "declared_type"))
    assert rows == [("announced", "image/jpeg"), ("announced", "")]


@pytest.mark.parametrize("count", ["-1", "x", "99999999999", "1e3", "٣", ""])
def test_a_senseless_count_of_pictures_is_none(practice, patient, count):
    assert post(path(practice), FORM | {"NumMedia": count, "MediaUrl0": "https://x/"}).status_code == 200
    with inside(practice):
        assert not Attachment.objects.exists()
