"""Two who work on the waitlist at the same time: nobody is asked twice, and nobody waits in a circle."""

import functools
import threading
import time
from collections import Counter

import pytest
import time_machine
from django.db import connection, connections

from messaging.models import Message
from practices.audit import Actor
from practices.models import Location, Room
from practices.tenancy import inside
from scheduling.accepting import OfferGone, accept_offer, award, decline_offer, stop_asking
from scheduling.booking import cancel_appointment
from scheduling.models import Appointment, Offer, Opening, WaitlistEntry
from scheduling.offering import NothingToOffer, offer_next, work_openings
from scheduling.waitlist import remove_entry
from tests.scheduling.conftest import NOW, a_diary, at
from tests.scheduling.test_fitting import an_interpreter
from tests.scheduling.waiting_room import a_rule, opened, states, waits

pytestmark = pytest.mark.django_db(transaction=True)
ENOUGH = 10  # seconds after which somebody waits for a lock
FIRST, SECOND = "2026-11-25 10:00", "2026-11-25 11:00"


@pytest.fixture
def diary():
    with time_machine.travel(NOW, tick=True):
        made = a_diary()
        with inside(made.practice):
            a_rule(mode="manual", group_size=1)
        yield made


def frees(diary, when):
    """An opening, because its patient cancelled."""
    visit = diary.book(when, tell_patient=False)
    by = Actor(kind="patient", door="link")
    cancel_appointment(appointment=visit, version=1, reason="pat", tell_patient=False, by=by)
    return opened()


class Elsewhere(threading.Thread):
    """Somebody else's transaction, on a connection of its own; `came` is what it gave or raised."""

    def __init__(self, diary, act):
        super().__init__(daemon=True)
        self.diary, self.act, self.came = diary, act, None
        self.start()

    def run(self):
        try:
            with inside(self.diary.practice):
                self.came = self.act()
        except Exception as error:
            self.came = error
        finally:
            connections.close_all()

    @property
    def is_done(self):
        self.join(ENOUGH)
        return not self.is_alive()

    @property
    def waits_for_us(self):
        """Whether it comes to wait for what this connection holds."""
        until = time.monotonic() + ENOUGH
        while self.is_alive() and time.monotonic() < until:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_locks"
                    " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
                )
                if cursor.fetchone()[0]:
                    return True
            time.sleep(0.02)
        return False


def test_two_openings_that_are_worked_on_at_once_ask_the_same_person_once(diary):
    with inside(diary.practice):
        waits(diary, "Ana")
        one, other = frees(diary, FIRST), frees(diary, SECOND)
    with inside(diary.practice):
        offer_next(opening=one, by=diary.by)
        second = Elsewhere(diary, lambda: offer_next(opening=other, by=diary.by))
        assert second.is_done
    assert isinstance(second.came, NothingToOffer)
    with inside(diary.practice):
        assert states() == {"Ana": "queued"}


def test_the_second_opening_asks_whoever_comes_next(diary):
    with inside(diary.practice):
        waits(diary, "Ana", urgency=0)
        waits(diary, "Ben")
        one, other = frees(diary, FIRST), frees(diary, SECOND)
    with inside(diary.practice):
        offer_next(opening=one, by=diary.by)
        second = Elsewhere(diary, lambda: offer_next(opening=other, by=diary.by))
        assert second.is_done
    with inside(diary.practice):
        assert states() == {"Ana": "queued", "Ben": "queued"}


def test_putting_somebody_on_the_list_does_not_wait_for_an_opening_that_is_worked_on(diary):
    with inside(diary.practice):
        a_rule()
        opening = frees(diary, FIRST)
    with inside(diary.practice):
        Opening.objects.select_for_update().get(pk=opening.pk)
        assert Elsewhere(diary, lambda: waits(diary, "Ana")).is_done


def test_a_wished_time_that_is_pressed_twice_at_once_is_kept_once(diary):
    when = at(FIRST)
    with inside(diary.practice):
        one = waits(diary, patient=diary.patient, wished_at=when)
        second = Elsewhere(diary, lambda: waits(diary, patient=diary.patient, wished_at=when))
        assert second.waits_for_us
    assert second.is_done
    assert second.came == one


# One order of the locks.


@pytest.fixture
def asked(diary):
    """Ana is asked about a time; her offer."""
    with inside(diary.practice):
        waits(diary, "Ana")
        (offer,) = offer_next(opening=frees(diary, FIRST), by=diary.by)
    return offer


def locks_taken(act):
    """The keys of diaries, rooms and interpreters in each step in which an act takes some."""
    steps = []

    def look(execute, sql, params, many, context):
        if "pg_advisory_xact_lock" in sql:
            steps.append(set(params[0]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        act()
    return steps


@pytest.mark.parametrize("before", [False, True], ids=["new", "earlier"])
def test_a_yes_takes_clinician_rooms_and_interpreter_in_one_step(diary, before):
    with inside(diary.practice):
        place = Location.objects.create(practice=diary.practice, name="Main")
        rooms = [Room.objects.create(practice=diary.practice, location=place, name=n) for n in "AB"]
        rosa = an_interpreter(diary)
        opening = frees(diary, FIRST)
        diary.kind.needs_room = True
        diary.kind.save()
        patient = diary.patient
        patient.needs, patient.language = ["interpreter"], "es"
        patient.save()
        own = diary.book("2026-12-01 14:00", practitioner=diary.chen) if before else None
        waits(diary, patient=patient, appointment=own)
        (offer,) = offer_next(opening=opening, by=diary.by)
        first, *later = locks_taken(lambda: accept_offer(offer=offer, how="phone", by=diary.by))
        assert {str(one.pk) for one in (diary.osei, rosa, *rooms)} <= first
        assert all(step <= first for step in later)
        assert Appointment.objects.active().get(patient=patient).participants.get().resource == rosa


@pytest.mark.parametrize("act", [accept_offer, decline_offer, stop_asking])
def test_an_answer_holds_no_offer_while_it_waits_for_the_entry(diary, asked, act):
    with inside(diary.practice):
        WaitlistEntry.objects.select_for_update(no_key=True).get(pk=asked.entry_id)
        answer = Elsewhere(diary, lambda: act(offer=asked, how="phone", by=diary.by))
        assert answer.waits_for_us
        Offer.objects.select_for_update(nowait=True).get(pk=asked.pk)
    assert answer.is_done
    assert not isinstance(answer.came, Exception)


def test_she_is_taken_off_the_list_while_she_answers(diary, asked):
    with inside(diary.practice):
        remove_entry(entry=asked.entry, why="Called us", by=diary.by)
        answer = Elsewhere(diary, lambda: accept_offer(offer=asked, how="link", by=diary.by))
        assert answer.waits_for_us
    assert answer.is_done
    assert isinstance(answer.came, OfferGone)


def test_two_at_the_desk_press_twice_each_and_one_patient_has_it_once(diary):
    with inside(diary.practice):
        ana, ben = waits(diary, "Ana"), waits(diary, "Ben")
        opening = frees(diary, FIRST)
    gate = threading.Barrier(4)

    def give(entry):
        gate.wait()
        return award(opening=opening, entry=entry, by=diary.by)

    came = [Elsewhere(diary, functools.partial(give, entry)) for entry in (ana, ana, ben, ben)]
    assert all(one.is_done for one in came)
    assert Counter(type(one.came) for one in came) == {Appointment: 2, OfferGone: 2}
    with inside(diary.practice):
        assert Appointment.objects.active().count() == 1


def test_the_sweep_leaves_an_offer_alone_that_is_being_answered(diary, asked):
    with inside(diary.practice):
        Message.objects.update(status=Message.Status.UNDELIVERED, reason="no_such_number")
    with inside(diary.practice):
        accept_offer(offer=asked, how="phone", by=diary.by)
        assert Elsewhere(diary, lambda: work_openings(diary.practice)).is_done
    with inside(diary.practice):
        work_openings(diary.practice)
        assert states() == {"Ana": "accepted"}
