"""What the tests of the waitlist share: people who wait, and what is asked of them."""

from types import SimpleNamespace
from typing import Any

from messaging import inbox
from messaging.models import Message
from practices.tenancy import current_practice
from scheduling.models import Offer, Opening, WaitlistRule
from scheduling.waitlist import add_entry
from tests.scheduling.conftest import a_texted_patient

PHONES = {"Ana": "+15035550171", "Ben": "+15035550172", "Cleo": "+15035550173", "Dora": "+15035550174"}
_number = iter(range(1, 100_000))


def a_rule(**fields: Any) -> WaitlistRule:
    """The practice's rule, with what a test is about."""
    WaitlistRule.objects.all().delete()
    values: dict[str, Any] = {"mode": "automatic", "rest_hours": 0}
    return WaitlistRule.objects.create(practice=current_practice(), **(values | fields))


def waits(diary: SimpleNamespace, name: str = "Ana", *, patient: Any = None, **wishes: Any) -> Any:
    """Somebody on the list: a patient of that name with a mobile of her own."""
    if patient is None:
        patient = a_texted_patient(
            diary.practice, name, PHONES.get(name, "+15035550179"), family=name[::-1].title()
        )
    given = {"types": [diary.kind.pk], "notice_hours": 0}
    return add_entry(patient=patient, source="record", by=diary.by, **(given | wishes))


def opened() -> Any:
    """The newest opening."""
    return Opening.objects.with_people().latest("opened_at")


def leave() -> None:
    """All questions that wait leave, and arrive."""
    for message in Message.objects.waiting().order_by("created_at"):
        message.status, message.sent_at = Message.Status.DELIVERED, message.send_after
        message.save(update_fields=["status", "sent_at"])


def write(name: str, body: str, *, phone: str = "") -> Message:
    """A text as it comes by the webhook."""
    message = inbox.receive(supplier_id=f"SMwait{next(_number)}", from_=phone or PHONES[name], body=body)
    assert message is not None
    return message


def texts_to(name: str) -> list[str]:
    """What was said to somebody, in order."""
    rows = Message.objects.filter(direction="out", patient__given=name).order_by("created_at")
    return [f"{row.status}: {row.body}" for row in rows]


def states() -> dict[str, str]:
    """First name → what became of her offer."""
    return {o.entry.patient.given: o.state for o in Offer.objects.select_related("entry__patient")}
