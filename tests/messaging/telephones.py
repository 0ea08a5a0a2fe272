"""A desk with telephones: a pretend supplier that follows our documents, people with desk phones."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from messaging import telephone
from messaging.models import Call, CallCommand
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import inside
from tests.messaging.conftest import PHONE
from tests.messaging.test_calls import at_desk, now
from tools.pretend_supplier.client import PretendSupplier

DANA, KIM = "+15035550901", "+15035550902"


@pytest.fixture
def exchange(practice: Practice, live_server: Any, settings: Any) -> Iterator[PretendSupplier]:
    """A supplier whose line and desk phones are ours."""
    settings.PUBLIC_URL = live_server.url
    voice = f"{live_server.url}/hooks/twilio/{practice.slug}/voice"
    with PretendSupplier() as supplier:
        supplier.add_number(
            str(practice.line_number), voice_url=f"{voice}/received/", voice_status_url=f"{voice}/status/"
        )
        for desk in (DANA, KIM):
            supplier.set_phone(desk, answers="desk")
        settings.TWILIO_BASE_URL, settings.TWILIO_ACCOUNT_SID = supplier.base_url, supplier.account_sid
        settings.TWILIO_AUTH_TOKEN, settings.TWILIO_TIMEOUT_SECONDS = supplier.auth_token, 2
        yield supplier


@pytest.fixture
def dana(practice: Practice) -> Actor:
    return at_desk(practice, "dana@x.example", DANA)


@pytest.fixture
def kim(practice: Practice) -> Actor:
    return at_desk(practice, "kim@x.example", KIM)


class Desk:
    """A person at the desk who presses a button, and the worker that follows."""

    def __init__(self, practice: Practice, by: Actor, supplier: PretendSupplier) -> None:
        self.practice, self.by, self.supplier = practice, by, supplier

    def __call__(self, verb: Callable[..., Any], call: Call, **more: Any) -> Any:
        with inside(self.practice):
            done = verb(call=call, by=self.by, **more)
        telephone.carry_out_all(self.practice)
        return done

    def when(self, call: Call, look: Callable[[Call], Any]) -> Any:
        return self.supplier.wait_for(lambda: look(now(self.practice, call)))


@pytest.fixture
def desk(practice: Practice, dana: Actor, exchange: PretendSupplier) -> Desk:
    return Desk(practice, dana, exchange)


def incoming(practice: Practice, exchange: PretendSupplier, number: str = PHONE) -> tuple[Call, str]:
    """A patient calls; the call as we know it and the patient's line."""
    sid = exchange.ring_up(number, str(practice.line_number))["sid"]

    def came() -> Call | None:
        with inside(practice):
            return Call.objects.filter(supplier_id=sid).first()

    call = exchange.wait_for(came)
    exchange.wait_for(lambda: exchange.the_call(sid)["place"] == "waiting for the practice")
    return call, sid


def place(exchange: PretendSupplier, sid: str) -> str:
    return str(exchange.the_call(sid)["place"])


def lines_of(exchange: PretendSupplier, phone: str) -> list[dict[str, Any]]:
    return exchange.calls(phone)


def open_lines(exchange: PretendSupplier, phone: str) -> list[str]:
    return [line["sid"] for line in exchange.calls(phone) if line["status"] == "in-progress"]


def problems(practice: Practice) -> list[str]:
    with inside(practice):
        failed = CallCommand.objects.exclude(status="done").values_list("verb", "status")
        return [*(call.problem for call in Call.objects.exclude(problem="")), *map(str, failed)]
