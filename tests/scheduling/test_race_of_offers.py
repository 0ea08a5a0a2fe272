"""Many say yes to one opening at the same moment, by the link and by text: one has it, the others hear so.

The controls take each guard away and look again: the diary's lock, the opening's lock, the exclusion
constraint over what is taken, the one-winner constraint over the offers.
"""

import functools
import os
import threading
from collections import Counter
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest
import time_machine
from django.db import connection, connections

from messaging import inbox
from practices.tenancy import inside
from scheduling.models import Appointment, Offer, Opening
from scheduling.offering import follow_messages
from tests.scheduling.conftest import NOW, at
from tests.scheduling.test_offer_page import SLOT, open_offers
from tests.scheduling.test_race import connected

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = [f"P{number}" for number in range(16)]
LOCKS = frozenset({"resource-lock", "opening-lock"})
SLOTS = ("scheduling_busyslot", "no_double_booking")
WINNER = ("scheduling_offer", "one_winner_per_opening")


@pytest.fixture
def door():
    with time_machine.travel(NOW, tick=True):
        door = open_offers(*NAMES)
        with inside(door.practice):
            follow_messages()
        yield door


def at_once(calls):
    """Runs all calls at the same moment; returns what each gave."""
    gate, found = threading.Barrier(len(calls)), []

    def run(call):
        try:
            gate.wait()
            found.append(call())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def by_link(door, server):
    """Everybody presses Yes on the page; the status of each answer."""

    def press(line, token):
        with closing(line):
            line.request("POST", f"/o/{token}/yes/")
            response = line.getresponse()
            response.read()
            return response.status

    lines = [(connected(server), token) for token in door.links.values()]
    return Counter(at_once([functools.partial(press, line, token) for line, token in lines]))


def by_text(door):
    """Everybody answers YES; how many needed a person."""

    def answer(number):
        with inside(door.practice):
            message = inbox.receive(
                supplier_id=f"SMrace{number}", from_=f"+1503555{3000 + number}", body="YES"
            )
            return message.needs_person

    return Counter(at_once([functools.partial(answer, number) for number in range(len(NAMES))]))


def standing(door):
    with inside(door.practice):
        return Appointment.objects.active().filter(starts_at=at(SLOT)).count()


def outcome(door):
    with inside(door.practice):
        return Counter(Offer.objects.values_list("state", flat=True))


@contextmanager
def without(*guards):
    """Takes constraints away, as the owner, and gives them back."""
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], dbname=name, autocommit=True) as owner:
        kept = []
        for table, guard in guards:
            row = owner.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [guard]
            ).fetchone()
            if row:
                kept.append(f"ALTER TABLE {table} ADD CONSTRAINT {guard} {row[0]}")
                owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {guard}")
            else:
                (definition,) = owner.execute(
                    "SELECT indexdef FROM pg_indexes WHERE indexname = %s", [guard]
                ).fetchone()
                kept.append(definition)
                owner.execute(f"DROP INDEX {guard}")
        try:
            yield
        finally:
            connections.close_all()
            owner.execute("TRUNCATE scheduling_appointment CASCADE")
            for statement in kept:
                owner.execute(statement)


def all_said_no_before(door):
    """Nobody's offer stands: each yes is a change of mind, and no yes has to touch another's row."""
    with inside(door.practice):
        Offer.objects.update(state="declined")


def one_winner(door):
    assert standing(door) == 1
    found = outcome(door)
    assert found == {"accepted": 1, "lost": len(NAMES) - 1}
    with inside(door.practice):
        assert Opening.objects.get().state == "filled"
        told = Offer.objects.filter(state="lost", told__isnull=False).count()
    assert told == len(NAMES) - 1


def test_many_press_yes_and_one_has_it(door, live_server):
    assert by_link(door, live_server) == {302: 1, 409: len(NAMES) - 1}
    one_winner(door)


def test_many_text_yes_and_one_has_it(door):
    assert by_text(door) == {False: len(NAMES)}
    one_winner(door)


def test_by_link_and_by_text_at_once_one_has_it(door, live_server):
    at_once([lambda: by_link(door, live_server), lambda: by_text(door)])
    assert standing(door) == 1
    assert outcome(door)["accepted"] == 1


def test_without_the_locks_the_constraints_have_the_last_word(door, live_server, settings):
    settings.SWITCHED_OFF = LOCKS
    by_link(door, live_server)
    assert standing(door) == 1
    assert outcome(door)["accepted"] == 1


def test_without_locks_and_exclusion_the_one_winner_constraint_is_enough(door, live_server, settings):
    settings.SWITCHED_OFF = LOCKS
    all_said_no_before(door)
    with without(SLOTS):
        by_link(door, live_server)
        found, sold = outcome(door), standing(door)
    assert (found["accepted"], sold) == (1, 1)


def test_without_locks_and_the_winner_constraint_the_exclusion_is_enough(door, live_server, settings):
    settings.SWITCHED_OFF = LOCKS
    all_said_no_before(door)
    with without(WINNER):
        by_link(door, live_server)
        found, sold = outcome(door), standing(door)
    assert (found["accepted"], sold) == (1, 1)


def test_the_locks_alone_are_enough(door, live_server):
    with without(SLOTS, WINNER):
        by_link(door, live_server)
        found, sold = outcome(door), standing(door)
    assert (found["accepted"], sold) == (1, 1)


def test_the_control_without_any_guard_it_is_given_away_more_than_once(door, live_server, settings):
    settings.SWITCHED_OFF = LOCKS
    all_said_no_before(door)
    with ExitStack() as stack:
        stack.enter_context(without(SLOTS, WINNER))
        by_link(door, live_server)
        found, sold = outcome(door), standing(door)
    assert found["accepted"] > 1
    assert sold == found["accepted"]
