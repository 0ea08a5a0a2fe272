"""Imports of visits: every row accounted for, twice is once, nothing forced, no traceback whatever comes."""

import csv
import datetime as dt
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from messaging.models import Message
from patients.importing import import_patients
from practices.models import AuditEntry
from practices.tenancy import inside
from scheduling.booking import confirm_appointment
from scheduling.importing import import_appointments
from scheduling.models import Appointment, AppointmentSource, Practitioner, Status, WeeklyHours
from tests.factories import a_practice, an_actor

DATA = Path(__file__).parents[1] / "data"
VISITS, PATIENTS = DATA / "outpatient_appointments.csv", DATA / "outpatient_patients.csv"
ROWS = list(csv.DictReader(VISITS.open()))

pytestmark = pytest.mark.django_db


@pytest.fixture
def practice(db, clock):
    made = a_practice()
    import_patients(PATIENTS, made)
    return made


def outcomes(report):
    return [row.outcome for row in report.rows]


def changed(tmp_path, *changes, rows=ROWS):
    """A copy of the file with some cells changed: (row, column, value)."""
    copy = [dict(row) for row in rows]
    for place, column, value in changes:
        copy[place][column] = value
    path = tmp_path / "visits.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(ROWS[0]))
        table.writeheader()
        table.writerows(copy)
    return path


def test_each_row_becomes_a_visit_with_its_status_and_times(practice):
    report = import_appointments(VISITS, practice)
    assert outcomes(report) == ["created"] * len(ROWS)
    words = {"attended": "fulfilled", "cancelled": "cancelled", "did not attend": "noshow"}
    with inside(practice):
        for row, told in zip(ROWS, report.rows, strict=True):
            visit = AppointmentSource.objects.get(value=row["appointment_id"]).appointment
            assert visit.status == words.get(row["status"], "booked")
            assert (
                f"{visit.local_date} {visit.local_time}"
                == f"{row['appointment_date']} {row['appointment_time']}"
            )
            assert (visit.minutes, visit.practitioner.name) == (15, "Imported clinic")
            if row["status"] == "attended":
                came = [visit.arrived_at, visit.seen_at, visit.left_at]
                local = [f"{moment.astimezone(practice.zone):%H:%M:%S}" for moment in came]
                assert local == [row["check_in_time"], row["start_time"], row["end_time"]]
            assert bool(told.why) == (row["status"] == "unknown")
        assert AuditEntry.objects.filter(verb="appointment.imported").count() == len(ROWS)
        assert not Message.objects.exists()


def test_the_same_file_again_changes_nothing(practice):
    import_appointments(VISITS, practice)
    assert outcomes(import_appointments(VISITS, practice)) == ["unchanged"] * len(ROWS)
    with inside(practice):
        assert Appointment.objects.count() == len(ROWS)
        assert Practitioner.objects.count() == 1


def test_a_newer_file_updates_what_nobody_touched(practice, tmp_path):
    import_appointments(VISITS, practice)
    later = changed(tmp_path, (0, "status", "did not attend"))
    for outcome in ("updated", "unchanged"):
        assert outcomes(import_appointments(later, practice))[0] == outcome
    assert outcomes(import_appointments(VISITS, practice))[0] == "updated"


def test_what_was_changed_here_stays(practice, tmp_path):
    import_appointments(VISITS, practice)
    place = next(at for at, row in enumerate(ROWS) if row["status"] == "scheduled")
    with inside(practice):
        visit = AppointmentSource.objects.get(value=ROWS[place]["appointment_id"]).appointment
        confirm_appointment(appointment=visit, how="phone", by=an_actor())
    report = import_appointments(changed(tmp_path, (place, "status", "cancelled")), practice)
    assert report.rows[place].why == "kept as it is: it was changed here since"
    with inside(practice):
        assert Appointment.objects.get(pk=visit.pk).status == Status.BOOKED


def test_an_overlap_is_reported_by_line_and_not_forced(practice, tmp_path):
    clash = [ROWS[0] | {"status": "attended"}, ROWS[0] | {"appointment_id": "x1", "status": "scheduled"}]
    clash += [ROWS[0] | {"appointment_id": "x2", "status": "cancelled"}]
    report = import_appointments(changed(tmp_path, rows=clash), practice)
    assert [(row.line, row.outcome) for row in report.rows] == [
        (2, "created"),
        (3, "refused"),
        (4, "created"),
    ]
    assert report.rows[1].why == "overlaps another visit of this clinic"


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("appointment_date", "2026-02-30", "the date or the time of the visit is none"),
        ("appointment_date", "1066-10-14", "the date or the time of the visit is none"),
        ("appointment_time", "25:00", "the date or the time of the visit is none"),
        ("appointment_id", "", "the visit's number is missing or too long"),
        ("appointment_id", "9" * 101, "the visit's number is missing or too long"),
        ("patient_id", "99999", "no patient has this number: import the patients first"),
    ],
)
def test_a_bad_row_stops_nothing(practice, tmp_path, column, value, why):
    report = import_appointments(changed(tmp_path, (1, column, value)), practice)
    assert outcomes(report).count("created") == len(ROWS) - 1
    assert (report.rows[1].line, report.rows[1].why) == (3, why)


@pytest.mark.parametrize(("day", "time"), [("2027-03-14", "02:30:00"), ("2026-11-01", "01:30:00")])
def test_a_time_of_a_clock_change_night_is_refused(practice, tmp_path, day, time):
    path = changed(tmp_path, (0, "appointment_date", day), (0, "appointment_time", time))
    assert import_appointments(path, practice).rows[0].why.startswith("on that night")


def test_times_that_cannot_be_right_are_left_out_and_noted(practice, tmp_path):
    place = next(at for at, row in enumerate(ROWS) if row["status"] == "attended")
    report = import_appointments(changed(tmp_path, (place, "start_time", "23:59:00")), practice)
    assert report.rows[place].outcome == "created"
    assert "left out" in report.rows[place].why


def test_the_clinic_gets_the_hours_in_which_its_visits_lie(practice):
    import_appointments(VISITS, practice, practitioner="Dr. Lund")
    with inside(practice):
        person = Practitioner.objects.get(name="Dr. Lund")
        for visit in Appointment.objects.all():
            hours = WeeklyHours.objects.get(practitioner=person, weekday=visit.local_date.isoweekday())
            end = (dt.datetime.combine(visit.local_date, visit.local_time) + dt.timedelta(minutes=15)).time()
            assert hours.starts <= visit.local_time
            assert end <= hours.ends


GARBAGE = {
    "empty": b"",
    "blank": b"  \n \n",
    "utf-16": "appointment_id,status".encode("utf-16"),
    "binary": bytes(range(256)) * 40,
    "nul": b"\0" * 1000,
    "no header": b"1,2,3\n4,5,6\n",
    "json": b'{"resourceType": "Patient"}\n',
    "patients": PATIENTS.read_bytes(),
    "one long line": b"x" * 2_500_000,
    "header only": ",".join(ROWS[0]).encode(),
    "doubled header": b"appointment_id,appointment_date,appointment_time,status,patient_id,status\n",
    "ragged": ",".join(ROWS[0]).encode() + b'\n1,2\n"open,3\n,,,,,,,,,,,,,,,,,,,,,,\n\xff\xfe,\x80\n',
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_told_with_status_1_and_without_a_traceback(practice, tmp_path, name):
    path = tmp_path / "garbage.csv"
    path.write_bytes(GARBAGE[name])
    with pytest.raises(CommandError, match="Nothing was imported") as told:
        call_command(
            "import_appointments", path, practice=practice.slug, stdout=io.StringIO(), stderr=io.StringIO()
        )
    assert told.value.returncode == 1
    with inside(practice):
        assert not Appointment.objects.exists()


def test_the_command_reports_each_line_and_sums_up(practice, tmp_path):
    out, table = io.StringIO(), tmp_path / "report.csv"
    path = changed(tmp_path, (1, "appointment_time", "noon"))
    call_command(
        "import_appointments", path, practice=practice.slug, report=table, stdout=out, stderr=io.StringIO()
    )
    said = out.getvalue()
    assert "line 3: refused (the date or the time of the visit is none)" in said
    assert "1 × the date or the time of the visit is none" in said
    assert f"{len(ROWS)} rows: {len(ROWS) - 1} created, 0 updated, 0 unchanged, 1 refused." in said
    assert len(table.read_text().splitlines()) == len(ROWS) + 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"practice": "nowhere"}, "no practice"),
        ({"file": "/nowhere.csv"}, "no file"),
        ({"minutes": 0}, "5 to 480"),
        ({"practitioner": " "}, "needs a name"),
    ],
)
def test_what_the_command_was_given_is_checked(practice, given, words):
    values = {"file": VISITS, "practice": practice.slug} | given
    with pytest.raises(CommandError, match=words):
        call_command("import_appointments", values.pop("file"), **values)
