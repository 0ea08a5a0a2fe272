"""Messages for the staff: for whom, read back, accepted once, answered, and never without an owner."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from messaging import on_call, routing, staff_lists
from messaging.models import EscalationStep, Message, OnCallShift, StaffMessage, Task
from messaging.routing import House
from messaging.staff_messages import (
    AlreadyDone,
    MessageRefused,
    NotReadBack,
    acknowledge,
    finish,
    hand_over,
    take_message,
)
from patients.models import Patient
from practices.models import AuditEntry, Membership, Practice, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dana(practice: Practice) -> Membership:
    return a_member(practice)


@pytest.fixture
def ama(practice: Practice) -> Membership:
    return a_member(practice, a_user("ama@frontdesk.example"), Role.CLINICIAN)


@pytest.fixture
def mira(practice: Practice) -> Membership:
    return a_member(practice, a_user("mira@frontdesk.example"), Role.MANAGER)


def take(by: Membership, **fields: Any) -> StaffMessage:
    values = {"kind": "other", "body": "Please call Leo.", "once_key": "one", "by": an_actor(by)}
    with inside(by.practice):
        return take_message(**(values | fields))


def a_shift(member: Membership, rank: int = 1, hours: float = 8, start: float = -1) -> OnCallShift:
    now = timezone.now()
    with inside(member.practice):
        return on_call.save_shift(
            user=member.user,
            rank=rank,
            starts_at=now + dt.timedelta(hours=start),
            ends_at=now + dt.timedelta(hours=start + hours),
            by=an_actor(),
        )


def the_task(message: StaffMessage) -> Task:
    return Task.objects.get(once_key=f"staff-message:{message.pk}")


def test_a_message_for_a_colleague_has_a_task_due_when_it_was_promised(practice, dana, ama):
    promised = timezone.now() + dt.timedelta(hours=3)
    message = take(dana, recipient="person", to_user=ama.user, promised_by=promised)
    with inside(practice):
        task = the_task(message)
        assert (task.kind, task.owner_id, task.due_at) == ("staff-message", ama.user.pk, promised)
        assert task.subject_id == message.pk
        entry = AuditEntry.objects.get(verb="staff_message.taken")
        assert (entry.actor_id, entry.subject_id) == (dana.user.pk, message.pk)


def test_the_same_form_twice_is_one_message(practice, dana, ama):
    first, second = take(dana), take(dana, body="Something else")
    assert first.pk == second.pk
    with inside(practice):
        assert StaffMessage.objects.count() == Task.objects.count() == 1


def test_without_a_name_the_kind_says_who_gets_it(practice, dana, ama):
    assert take(dana, kind="refill").to_role == Role.CLINICIAN
    with inside(practice):
        route = routing.Route("person", ama.user, "", StaffMessage.Urgency.ROUTINE, 60)
        routing.save_route(kind="refill", route=route, by=an_actor(dana))
    message = take(dana, kind="refill", once_key="two")
    assert (message.recipient, message.to_user_id, message.urgency) == ("person", ama.user.pk, 2)
    assert message.in_digest


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"body": "  "}, "body"),
        ({"body": "x" * 2001}, "body"),
        ({"kind": "gossip"}, "kind"),
        ({"recipient": "person"}, "to_whom"),
        ({"recipient": "role", "to_role": "pilot"}, "to_whom"),
        ({"recipient": "everybody"}, "to_whom"),
        ({"callback_number": "call me"}, "callback_number"),
        ({"callback_number": "555"}, "callback_number"),
        ({"urgency": 9}, "urgency"),
        ({"promised_by": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "promised_by"),
        ({"promised_by": dt.datetime(2100, 1, 1, tzinfo=dt.UTC)}, "promised_by"),
    ],
)
def test_what_nobody_could_act_on_is_refused_at_its_field(practice, dana, fields, field):
    with pytest.raises(MessageRefused) as refused:
        take(dana, **fields)
    assert refused.value.field == field
    with inside(practice):
        assert not StaffMessage.objects.exists()


def test_a_colleague_of_another_practice_gets_nothing(practice, dana):
    stranger = a_member(a_practice("cedar-park"), a_user("xan@x.example"))
    with pytest.raises(MessageRefused):
        take(dana, recipient="person", to_user=stranger.user)


def test_a_number_or_urgency_is_read_back_before_it_is_saved(practice, dana, ama):
    patient = a_patient(practice)
    fields = {"recipient": "person", "to_user": ama.user, "patient": patient, "body": "Chest feels tight"}
    with pytest.raises(NotReadBack) as back:
        take(dana, callback_number="503 555 0142", **fields)
    said = back.value.sentence
    assert said.startswith("I will tell Ama about Marisol Vega: “Chest feels tight”")
    assert "(503) 555-0142" in said
    with pytest.raises(NotReadBack):
        take(dana, urgency=0, **fields)
    message = take(dana, callback_number="503 555 0142", read_back=True, **fields)
    assert (message.callback_number, message.read_back) == ("+15035550142", True)


def test_the_first_who_accepts_has_it(practice, dana, ama, mira):
    message = take(dana, urgency=0, read_back=True, recipient="person", to_user=ama.user)
    with inside(practice):
        first = acknowledge(message=message, by=an_actor(ama))
        second = acknowledge(message=message, by=an_actor(mira))
        assert first.acknowledged_by_id == second.acknowledged_by_id == ama.user.pk
        assert first.next_step_at is None
        assert the_task(message).owner_id == ama.user.pk
        assert AuditEntry.objects.filter(verb="staff_message.acknowledged").count() == 1


def test_done_needs_an_outcome_and_closes_the_task(practice, dana, ama):
    message = take(dana, recipient="person", to_user=ama.user)
    with inside(practice):
        with pytest.raises(MessageRefused):
            finish(message=message, outcome=" ", by=an_actor(ama))
        done = finish(message=message, outcome="Called, refill is at the pharmacy.", by=an_actor(ama))
        assert (done.done_by_id, done.acknowledged_by_id) == (ama.user.pk, ama.user.pk)
        assert the_task(message).done_at is not None
        with pytest.raises(AlreadyDone):
            finish(message=message, outcome="Again", by=an_actor(ama))
        with pytest.raises(AlreadyDone):
            hand_over(message=message, recipient="on-call", by=an_actor(ama))


def test_handing_over_asks_anew(practice, dana, ama, mira):
    message = take(dana, recipient="person", to_user=ama.user)
    with inside(practice):
        acknowledge(message=message, by=an_actor(ama))
        given = hand_over(message=message, recipient="person", to_user=mira.user, by=an_actor(ama))
        assert (given.to_user_id, given.acknowledged_at) == (mira.user.pk, None)
        assert the_task(message).owner_id == mira.user.pk
        step = EscalationStep.objects.get()
        assert step.words == "Ama handed it to Mira"


def test_a_role_without_people_goes_to_the_managers_and_says_so(practice, dana, mira):
    message = take(dana, recipient="role", to_role=Role.CLINICIAN)
    with inside(practice):
        house = House.now()
        reached = house.of(message)
        assert [person.pk for person in reached.people] == [mira.user.pk]
        assert "nobody among the clinicians" in reached.why
        assert list(staff_lists.hers(mira)) == [message]
        words = routing.goes_to("on-call", None, "", house)
        assert words == "Nobody is on call now. Goes to the managers: Mira."


def test_hers_are_those_by_name_by_role_and_by_being_on_call(practice, dana, ama, mira):
    named = take(dana, recipient="person", to_user=ama.user, once_key="1")
    role = take(dana, recipient="role", to_role=Role.CLINICIAN, once_key="2")
    called = take(dana, recipient="on-call", once_key="3")
    other = take(dana, recipient="person", to_user=mira.user, once_key="4")
    with inside(practice):
        mine = set(staff_lists.hers(ama))
        assert mine == {named, role}
    a_shift(ama)
    with inside(practice):
        assert set(staff_lists.hers(ama)) == {named, role, called}
        acknowledge(message=role, by=an_actor(mira))
        assert role not in staff_lists.hers(ama)
        assert other not in staff_lists.hers(ama)
        assert staff_lists.unacknowledged_for(ama) == 2


def test_nothing_of_it_leaves_by_itself(practice, dana, ama):
    take(dana, recipient="person", to_user=ama.user)
    with inside(practice):
        assert not Message.objects.exists()


def test_a_message_about_a_patient_of_another_practice_is_impossible(practice, dana):
    other = a_practice("cedar-park")
    patient = a_patient(other)
    assert isinstance(patient, Patient)
    with pytest.raises(Exception, match="same_practice"):
        take(dana, patient=patient)
