"""Several people save overlapping series at the same moment: one gets all dates, nothing is half-written."""

import datetime as dt
import threading
from collections import Counter

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from practices.tenancy import inside
from scheduling.drafts import Slot
from scheduling.models import Appointment, Series
from scheduling.refusals import DatesRefused
from scheduling.series import book_series, dates_of
from tests.scheduling.conftest import a_diary
from tests.scheduling.test_race import without_the_constraint

CLIENTS = 8
RULE = "FREQ=WEEKLY;COUNT=10"
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(diary, *, apart: dt.timedelta = dt.timedelta()):
    """Everybody wants Dr. Osei weekly; every second one a little later, backwards or forwards in time."""
    day = timezone.now().astimezone(diary.practice.zone).date() + dt.timedelta(days=3)
    first = dt.datetime.combine(day, dt.time(10), diary.practice.zone)
    gate, answers = threading.Barrier(CLIENTS), []

    def client(number):
        try:
            with inside(diary.practice):
                begins = first + apart * (number % 2)
                dates = [
                    Slot(one.practitioner, one.starts_at) for one in dates_of(RULE, Slot(diary.osei, begins))
                ]
                gate.wait()
                book_series(
                    patient=diary.patient, appointment_type=diary.kind, rule=RULE, by=diary.by,
                    dates=dates if number % 2 else dates[::-1], tell_patient=False,
                )  # fmt: skip
            answers.append("booked")
        except DatesRefused as refusal:
            answers.append("refused" if len(refusal.verdicts) == 10 else "badly refused")
        except OperationalError:
            answers.append("deadlock")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=client, args=[number]) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(answers)


def standing(diary):
    with inside(diary.practice):
        return Appointment.objects.active().count(), Series.objects.count()


@pytest.mark.parametrize("apart", [dt.timedelta(), dt.timedelta(minutes=15)])
def test_one_gets_all_dates_and_the_others_none(apart):
    diary = a_diary()
    assert at_once(diary, apart=apart) == {"booked": 1, "refused": CLIENTS - 1}
    assert standing(diary) == (10, 1)


def test_without_the_lock_the_constraint_still_lets_only_one_have_them(settings):
    settings.SWITCHED_OFF = frozenset({"resource-lock"})
    diary = a_diary()
    found = at_once(diary)
    assert found["booked"] <= 1
    assert standing(diary) == (10 * found["booked"], found["booked"])


def test_the_control_without_lock_and_constraint_the_dates_are_sold_more_than_once(settings):
    settings.SWITCHED_OFF = frozenset({"resource-lock"})
    diary = a_diary()
    with without_the_constraint():
        assert at_once(diary)["booked"] > 1
