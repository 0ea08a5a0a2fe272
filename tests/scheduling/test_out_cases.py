"""A clinician is out: what is planned, told, answered and left over."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.models import Message, Task
from patients.models import Consent
from scheduling import out_calls, out_cases
from scheduling.booking import reschedule_appointment
from scheduling.chasing import SYSTEM, chase
from scheduling.choosing import choose_time
from scheduling.models import Appointment, OutCase, Participant, Status, TimeOff, TimeRequest
from scheduling.out_cases import CaseRefused, open_case, send_case, take_back
from scheduling.out_page import out_page
from scheduling.planning import open_visits
from scheduling.replacing import replacements
from scheduling.time_requests import SettledMeanwhile, advance
from tests.scheduling.conftest import a_texted_patient, anew, at

pytestmark = pytest.mark.django_db

FIRST, LAST = "2026-11-25 00:00", "2026-11-26 00:00"


def a_day(diary, count=4):
    """So many visits of Dr. Osei tomorrow, each of another patient who may be texted."""
    hours = [
        "08:00",
        "08:30",
        "09:00",
        "09:30",
        "10:00",
        "10:30",
        "11:00",
        "11:30",
        "13:00",
        "13:30",
        "14:00",
    ]
    return [
        diary.book(
            f"2026-11-25 {hours[n]}",
            patient=a_texted_patient(diary.practice, f"Patient{n}", f"+150355502{n:02d}"),
            tell_patient=False,
        )
        for n in range(count)
    ]


def out_tomorrow(diary, **fields):
    values = {"practitioner": diary.osei, "starts_at": at(FIRST), "ends_at": at(LAST), "label": "Out sick"}
    return open_case(**(values | fields), by=diary.by)


def test_too_much_time_off_ahead_is_said_and_nothing_is_planned(diary, monkeypatch):
    monkeypatch.setattr("scheduling.administration.MOST_TIME_OFF", 0)
    with pytest.raises(CaseRefused, match="spans of time off ahead"):
        out_tomorrow(diary)
    assert not OutCase.objects.exists()


def requests_of(case):
    return list(TimeRequest.objects.with_people().filter(case=case).order_by("appointment__starts_at"))


def test_the_time_off_is_written_and_each_visit_gets_times_that_nobody_else_gets(diary):
    visits = a_day(diary)
    case, new = out_tomorrow(diary)
    assert new
    assert TimeOff.objects.get().label == "Out sick"
    requests = requests_of(case)
    assert [request.appointment for request in requests] == visits
    assert all(2 <= len(request.offers) <= 3 for request in requests)
    every = [tuple(offer) for request in requests for offer in request.offers]
    assert len(every) == len(set(every))
    for request in requests:
        people = {person for person, _ in request.offered}
        assert people == {diary.osei.pk, diary.chen.pk}
        moments = [dt.datetime.fromisoformat(moment) for _, moment in request.offered]
        assert all(
            not at(FIRST) <= moment < at(LAST) or person == diary.chen.pk
            for (person, _), moment in zip(request.offered, moments, strict=True)
        )
    assert not Message.objects.exists()  # nobody is told before the press


def test_the_number_of_queries_does_not_grow(diary, django_assert_num_queries):

    visits = list(Appointment.objects.with_people().filter(pk__in=[v.pk for v in a_day(diary, 11)]))
    for some in (visits[:1], visits):
        with django_assert_num_queries(11):
            replacements(some)


def sent(diary, count=4, **fields):
    a_day(diary, count)
    case, _ = out_tomorrow(diary, **fields)
    send_case(case=case, by=diary.by)
    return case, requests_of(case)


def test_one_press_writes_to_everybody_with_a_link_to_choose(diary):
    case, requests = sent(diary)
    assert {request.state for request in requests} == {"asked"}
    texts = list(Message.objects.filter(kind="choose").order_by("created_at"))
    assert len(texts) == 4
    assert all("/n/" in text.body and "Osei" not in text.body for text in texts)
    assert len({text.body.rpartition(" ")[2] for text in texts}) == 4
    assert all(request.due_at < request.appointment.starts_at for request in requests)
    with pytest.raises(CaseRefused, match=r"told already by Dana"):
        send_case(case=case, by=diary.by)
    assert Message.objects.filter(kind="choose").count() == 4


def test_the_number_of_statements_of_the_press_is_the_same_for_two_and_for_eleven(diary):

    counts = []
    for first, count in (("2026-11-25", 2), ("2026-12-02", 11)):
        for n in range(count):
            hour = f"{8 + n // 2 if n < 8 else 9 + n // 2}:{'30' if n % 2 else '00'}".zfill(5)
            diary.book(
                f"{first} {hour}",
                patient=a_texted_patient(diary.practice, f"P{first}{n}", f"+15035{first[8:]}{n:04d}"[:12]),
                tell_patient=False,
            )
        case, _ = out_tomorrow(diary, starts_at=at(f"{first} 00:00"), ends_at=at(f"{first} 23:00"))
        with anew(diary.practice), CaptureQueriesContext(connection) as seen:
            send_case(case=case, by=diary.by)
        assert TimeRequest.objects.filter(case=case, state="asked").count() == count
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_two_who_say_the_same_get_the_same_case_and_an_overlap_is_refused(diary):
    a_day(diary, 1)
    case, _ = out_tomorrow(diary)
    again, new = out_tomorrow(diary, label="Conference")
    assert (again, new) == (case, False)
    assert TimeOff.objects.count() == 1
    with pytest.raises(CaseRefused, match="is out already"):
        out_tomorrow(diary, ends_at=at("2026-11-27 00:00"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ends_at": at("2026-11-24 00:00")}, "ends before it begins"),
        ({"starts_at": at("2026-11-20 00:00"), "ends_at": at("2026-11-21 00:00")}, "over"),
        ({"ends_at": at("2036-11-24 00:00")}, "three months"),
    ],
)
def test_a_span_that_is_none_is_refused(diary, fields, words):
    with pytest.raises(CaseRefused, match=words):
        out_tomorrow(diary, **fields)
    assert not TimeOff.objects.exists()


def test_who_cannot_be_told_becomes_a_call_with_owner_and_time(diary):
    patient = a_texted_patient(diary.practice, "Ana", "+15035550300")

    Consent.objects.filter(patient=patient).delete()
    visit = diary.book("2026-11-25 09:00", patient=patient, tell_patient=False)
    case, _ = out_tomorrow(diary)
    assert requests_of(case)[0].plan == "call"
    send_case(case=case, by=diary.by)
    (task,) = Task.objects.open()
    assert (task.kind, task.patient, task.appointment_id) == ("rebook", patient, visit.pk)
    assert task.owner == diary.dana.user
    assert task.due_at < visit.starts_at
    assert requests_of(case)[0].state == "to-call"


def test_silence_becomes_a_call_before_the_visit_and_once(diary, clock):

    case, requests = sent(diary, 2)
    assert chase(dt.datetime.now(dt.UTC), by=SYSTEM) == 0
    clock.move_to(max(request.due_at for request in requests))
    assert chase(dt.datetime.now(dt.UTC), by=SYSTEM) == 2
    assert chase(dt.datetime.now(dt.UTC), by=SYSTEM) == 0
    tasks = list(Task.objects.open().filter(kind="rebook"))
    assert len(tasks) == 2
    assert all("no answer" in task.note for task in tasks)
    assert {request.state for request in requests_of(case)} == {"to-call"}


def test_a_text_that_did_not_arrive_becomes_a_call_at_once(diary):

    case, (first, _) = sent(diary, 2)
    Message.objects.filter(pk=first.message_id).update(status="undelivered", reason="")
    assert chase(dt.datetime.now(dt.UTC), by=SYSTEM) == 1
    assert [request.state for request in requests_of(case)] == ["to-call", "asked"]


def test_by_hand_a_visit_is_kept_cancelled_or_called_for(diary):
    a_day(diary, 4)
    case, _ = out_tomorrow(diary)
    keep, cancel, call, other = requests_of(case)

    def plan(request, **values):
        return out_cases.plan_visit(request=request, version=request.version, values=values, by=diary.by)

    with pytest.raises(CaseRefused, match="Say why"):
        plan(keep, plan="keep", keep_reason=" ")
    plan(keep, plan="keep", keep_reason="Dr. Chen looks in")
    plan(cancel, plan="cancel", cancellation_reason="prov")
    plan(call, plan="call")
    plan(other, plan="ask", offers=other.offers[:1])
    with pytest.raises(out_cases.BookingRefused, match="changed this a moment ago"):
        plan(other, plan="call")  # the version that was seen is not the present one any more
    send_case(case=case, by=diary.by)
    assert [request.state for request in requests_of(case)] == ["kept", "cancelled", "to-call", "asked"]
    statuses = [request.appointment.status for request in requests_of(case)]
    assert statuses == [Status.BOOKED, Status.CANCELLED, Status.BOOKED, Status.BOOKED]


def test_taken_back_while_nobody_has_answered_everything_is_as_before(diary):
    case, requests = sent(diary, 3)
    Message.objects.filter(pk=requests[0].message_id).update(status="sent")
    done = take_back(case=case, by=diary.by)
    assert done.stay_cancelled == 0
    assert not TimeOff.objects.exists()
    assert OutCase.objects.get().state == "taken-back"
    assert {request.state for request in requests_of(case)} == {"withdrawn"}
    waiting = Message.objects.filter(kind="choose", status="queued")
    assert not waiting.exists()
    (stays,) = Message.objects.filter(kind="stays")
    assert stays.patient == requests[0].appointment.patient  # only who was told hears that it stays
    assert Appointment.objects.filter(status=Status.BOOKED).count() == 3
    with pytest.raises(CaseRefused, match="taken back"):
        take_back(case=case, by=diary.by)


def test_it_cannot_be_taken_back_once_somebody_chose(diary):

    case, requests = sent(diary, 2)
    person, moment = requests[0].offered[0]
    choose_time(
        visit=requests[0].appointment,
        practitioner_id=person,
        starts_at=dt.datetime.fromisoformat(moment),
        by=diary.by,
    )
    with pytest.raises(CaseRefused, match="answered already"):
        take_back(case=case, by=diary.by)
    assert TimeOff.objects.exists()


def test_the_case_is_finished_when_no_visit_is_left_over(diary):

    case, (first, second) = sent(diary, 2)
    person, moment = first.offered[0]
    new = choose_time(
        visit=first.appointment,
        practitioner_id=person,
        starts_at=dt.datetime.fromisoformat(moment),
        by=diary.by,
    )
    assert new.rescheduled_from == first.appointment
    assert OutCase.objects.get().state == "sent"
    clinician, when = second.offered[0]
    practitioner = {diary.osei.pk: diary.osei, diary.chen.pk: diary.chen}[clinician]
    out_calls.take_time(
        request=second, practitioner=practitioner, starts_at=dt.datetime.fromisoformat(when), by=diary.by
    )
    assert OutCase.objects.get().state == "closed"
    assert [request.state for request in requests_of(case)] == ["chosen", "moved"]
    assert not Task.objects.open().exists()


def test_states_only_go_forward(diary):

    _, (request,) = sent(diary, 1)
    with pytest.raises(SettledMeanwhile):
        advance(request, "planned", by=diary.by)
    advance(request, "kept", by=diary.by)
    for state in ("asked", "to-call", "chosen", "withdrawn"):
        with pytest.raises(SettledMeanwhile):
            advance(request, state, by=diary.by)


def test_what_is_moved_on_the_board_is_filed_when_it_stands(diary, clock):

    case, (request,) = sent(diary, 1)
    reschedule_appointment(
        appointment=request.appointment,
        version=request.appointment.version,
        starts_at=at("2026-11-27 10:00"),
        by=diary.by,
    )
    assert chase(dt.datetime.now(dt.UTC), by=SYSTEM) == 0  # it may still be taken back
    clock.shift(dt.timedelta(minutes=11))
    assert chase(dt.datetime.now(dt.UTC), by=SYSTEM) == 1
    assert requests_of(case)[0].state == "moved"
    assert OutCase.objects.get().state == "closed"


def test_nobody_is_reminded_of_a_visit_that_has_to_move(diary):

    (visit,) = a_day(diary, 1)
    now = dt.datetime.now(dt.UTC)
    assert visit in open_visits(now)
    out_tomorrow(diary)
    assert visit not in open_visits(now)


def test_a_plan_that_nobody_sends_becomes_calls_before_the_visits(diary, clock):
    a_day(diary, 2)  # at 8:00 and 8:30
    case, _ = out_tomorrow(diary)
    assert chase(dt.datetime.now(dt.UTC), by=SYSTEM) == 0
    clock.move_to(at("2026-11-25 05:15"))
    assert chase(dt.datetime.now(dt.UTC), by=SYSTEM) == 1
    assert [request.state for request in requests_of(case)] == ["to-call", "planned"]
    (task,) = Task.objects.open()
    assert (task.kind, "nobody was told yet" in task.note) == ("rebook", True)


def a_day_for_two(diary, count=1):
    """So many visits of Dr. Osei tomorrow, in each of which Dr. Chen takes part."""
    diary.kind.clinicians = 2
    diary.kind.save()
    visits = a_day(diary, count)
    parts = Participant.objects.filter(appointment__in=visits).values_list("practitioner", flat=True)
    assert list(parts) == [diary.chen.pk] * count
    return visits


def test_a_visit_in_which_she_takes_part_is_called_for_and_the_call_says_so(diary):
    (visit,) = a_day_for_two(diary)
    case, _ = out_tomorrow(diary, practitioner=diary.chen)
    (request,) = requests_of(case)
    assert (request.appointment, request.plan) == (visit, "call")
    (row,) = out_page(case, diary.practice, private=False).rows
    assert row.kind == "Follow-up, takes part in the visit of Dr. Osei"
    send_case(case=case, by=diary.by)
    (task,) = Task.objects.open()
    assert (task.kind, task.note) == ("rebook", "Dr. Chen is out, takes part in the visit of Dr. Osei")
    out_calls.record_outcome(request=request, outcome="no-answer", by=diary.by)
    (person, moment), *_ = request.offered
    to = {diary.osei.pk: diary.osei, diary.chen.pk: diary.chen}[person]
    starts_at = dt.datetime.fromisoformat(moment)
    moved = out_calls.take_time(request=request, practitioner=to, starts_at=starts_at, by=diary.by)
    assert Participant.objects.filter(appointment=moved).count() == 1
    assert [request.state for request in requests_of(case)] == ["moved"]
    assert OutCase.objects.get().state == "closed"


def test_a_visit_in_which_she_takes_part_is_kept_cancelled_asked_for_and_taken_back(diary):
    visits = a_day_for_two(diary, 4)
    case, _ = out_tomorrow(diary, practitioner=diary.chen)
    plans = [
        {"plan": "keep", "keep_reason": "Dr. Osei sees the patient alone"},
        {"plan": "cancel"},
        {"plan": "ask"},
        {"plan": "call"},
    ]
    for request, values in zip(requests_of(case), plans, strict=True):
        out_cases.plan_visit(request=request, version=request.version, values=values, by=diary.by)
    send_case(case=case, by=diary.by)
    assert [request.state for request in requests_of(case)] == ["kept", "cancelled", "asked", "to-call"]
    done = take_back(case=case, by=diary.by)
    assert done.stay_cancelled == 0
    assert Appointment.objects.filter(status=Status.BOOKED).count() == len(visits)
    assert not Task.objects.open().exists()


def test_a_visit_of_two_who_are_out_is_looked_after_once(diary, monkeypatch):
    (visit,) = a_day_for_two(diary)
    first, _ = out_tomorrow(diary)
    second, _ = out_tomorrow(diary, practitioner=diary.chen)
    assert [request.appointment for request in requests_of(first)] == [visit]
    assert requests_of(second) == []
    assert out_page(second, diary.practice, private=False).missing == 0
    with monkeypatch.context() as both:  # planned by a colleague just after it was looked for
        both.setattr(out_cases, "visits_in", lambda case: [visit])
        with pytest.raises(CaseRefused, match="at this moment"):
            out_cases.take_in(case=second, by=diary.by)
    take_back(case=first, by=diary.by)
    assert out_page(second, diary.practice, private=False).missing == 1
    assert out_cases.take_in(case=second, by=diary.by) == 1
    assert [request.plan for request in requests_of(second)] == ["call"]


def test_the_plan_takes_as_many_statements_for_one_visit_of_two_clinicians_as_for_eleven(diary):
    counts = []
    for count, clinician in ((1, diary.osei), (11, diary.chen)):
        visits = a_day_for_two(diary, count)
        with anew(diary.practice), CaptureQueriesContext(connection) as seen:
            case, _ = out_tomorrow(diary, practitioner=clinician)
        assert len(requests_of(case)) == count
        counts.append(len(seen))
        take_back(case=case, by=diary.by)
        Appointment.objects.filter(pk__in=[visit.pk for visit in visits]).update(status=Status.CANCELLED)
    assert counts[0] == counts[1]


def test_the_way_out_of_the_audit_leads_to_the_colleague_who_is_out(diary):
    (visit,) = a_day_for_two(diary)
    case, _ = out_tomorrow(diary, practitioner=diary.chen)
    client = Client()
    client.force_login(diary.dana.user)
    page = client.get(reverse("out", args=[diary.practice.slug]), {"visit": str(visit.pk)})
    assert page.context["who"] == "Dr. Chen"
    assert page.context["form"]["time_off"].value() == case.time_off_id
