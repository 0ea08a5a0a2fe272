"""Two who work on the waitlist at the same time: nobody is asked twice, and nobody waits in a circle."""

import threading

import pytest
import time_machine
from django.db import connections

from practices.audit import Actor
from practices.tenancy import inside
from scheduling.booking import cancel_appointment
from scheduling.models import Opening
from scheduling.offering import NothingToOffer, offer_next
from tests.scheduling.conftest import NOW, a_diary
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
