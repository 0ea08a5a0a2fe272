"""Looking into many practices at once, by a role of the database that may do nothing else.

`frontdesk_sweep` reads exactly the columns of READS, none of them sealed, of all practices, and writes
nothing (docs/decisions/0010). Only the sweep opens this connection, by an address of its own. Where none is
set, or it fails, every practice looks by itself with the same statement.
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from scheduling.audit.check import Raw
from scheduling.audit.checks import CHECKS
from scheduling.audit.looking import parameters, raw_of
from scheduling.audit.statement import statement

logger = logging.getLogger(__name__)

ROLE = "frontdesk_sweep"
AT_ONCE = 1000  # practices a statement
READS = {
    "practices_practice": "id time_zone",
    "practices_closure": "practice_id first_day last_day reason",
    "practices_location": "practice_id id name time_zone step_free",
    "practices_room": "practice_id id name step_free location_id",
    "patients_patient": "practice_id id needs deceased active",
    "patients_patientwish": "practice_id patient_id kind",
    "patients_contactpoint": "practice_id patient_id system unusable",
    "patients_consent": "practice_id id patient_id channel granted given_at",
    "scheduling_appointment": (
        "practice_id id patient_id practitioner_id appointment_type_id room_id starts_at ends_at local_date "
        "status confirmation session linked_id needs"
    ),
    "scheduling_appointmenttype": "practice_id id name minutes clinicians",
    "scheduling_participant": "practice_id appointment_id practitioner_id resource_id",
    "scheduling_practitioner": "practice_id id short_name location_id active",
    "scheduling_resource": "practice_id id kind",
    "scheduling_timeoff": "practice_id practitioner_id starts_at ends_at label",
    "scheduling_weeklyhours": (
        "practice_id practitioner_id weekday starts ends valid_from valid_until location_id"
    ),
}

Swept = dict[int, list[Raw]]


def sweep(asked: Sequence[tuple[int, dt.date, dt.date]]) -> Swept:
    """What is found in these practices between their days, each with its rows, perhaps none; one statement.

    Empty where no sweep is set up: who asks then looks practice by practice.
    """
    if not settings.SWEEP_DATABASE_URL or not asked:
        return {}
    found: Swept = defaultdict(list)
    try:
        with psycopg.connect(settings.SWEEP_DATABASE_URL, connect_timeout=5) as reader:
            reader.read_only = True
            if reader.execute("SELECT current_user").fetchone() != (ROLE,):
                logger.error("SWEEP_DATABASE_URL signs in as another role than %s: it is not used", ROLE)
                return {}
            for at in range(0, len(asked), AT_ONCE):
                some = asked[at : at + AT_ONCE]
                found |= {practice_id: [] for practice_id, _, _ in some}
                for row in reader.execute(statement(CHECKS), parameters(some)):
                    raw = raw_of(row)
                    found[raw.practice_id].append(raw)
    except psycopg.Error:
        logger.exception("the sweep failed, each practice looks by itself")
        return {}
    return dict(found)


def open_for_sweep(**_: Any) -> None:
    """Lets the role read what READS names and nothing else; runs after every migration, as the owner.

    Nothing happens where the role does not exist: the sweep is a choice of whoever runs the house.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        if cursor.fetchone() is None:
            return
        cursor.execute(
            "SELECT relname, array_agg(attname::text) "
            "FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
            "WHERE relowner = current_user::regrole AND relkind = 'r' AND attnum > 0 AND NOT attisdropped "
            "GROUP BY relname"
        )
        for table, columns in openable({name: set(there) for name, there in cursor.fetchall()}):
            for command in opening(table, columns):
                cursor.execute(command)


def openable(there: dict[str, set[str]]) -> list[tuple[str, list[str]]]:
    """The tables of READS that stand with all their columns: migrations may stop half way, or go back."""
    wanted = [(table, columns.split()) for table, columns in READS.items()]
    return [(table, columns) for table, columns in wanted if there.get(table, set()) >= set(columns)]


def opening(table: str, columns: Sequence[str]) -> list[str]:
    """SQL that opens these columns of a table, and closes all others."""
    names = ", ".join(f'"{column}"' for column in columns)
    commands = [
        f'REVOKE ALL ON "{table}" FROM {ROLE}',
        f'GRANT SELECT ({names}) ON "{table}" TO {ROLE}',
    ]
    if "practice_id" in columns:
        commands += [
            f'DROP POLICY IF EXISTS sweep ON "{table}"',
            f'CREATE POLICY sweep ON "{table}" FOR SELECT TO {ROLE} USING (true)',
        ]
    return commands
