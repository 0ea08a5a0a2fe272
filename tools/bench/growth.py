"""History on purpose: millions of past visits, written by SQL, most of other practices and some of ours.

Only rows and indexes count here: keys of practices and patients that do not exist are as good as real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

LEVELS = (100_000, 1_000_000, 5_000_000)
BATCH = 250_000
OTHERS, CLINICIANS = 100, 1_000  # practices, and clinicians among all of them
TABLES = ("scheduling_appointment", "scheduling_busyslot")
SETTINGS = (
    # No triggers and no references: the rows of what is taken are written beside the visits.
    "session_replication_role = replica",
    "maintenance_work_mem = '1GB'",
)
OURS = 10  # of every so many visits one is ours

MADE = f"""
    SELECT n, ('0190' || lpad(to_hex(n), 28, '0'))::uuid AS id,  -- in the order of time, as the product's are
           CASE WHEN ours THEN %(practice)s ELSE 1000000 + n %% {OTHERS} END AS practice_id,
           CASE WHEN ours THEN (%(ten)s::uuid[])[1 + (n / {OURS}) %% 10]
                ELSE md5((n %% {CLINICIANS})::text)::uuid END AS practitioner_id,
           CASE WHEN ours THEN (%(patients)s::uuid[])[1 + n %% 1000]
                ELSE gen_random_uuid() END AS patient_id,
           date_trunc('day', now()) - interval '2 days' - interval '20 minutes'
             * CASE WHEN ours THEN n / ({OURS} * 10) ELSE n / {CLINICIANS} END AS starts_at
    FROM (SELECT n, n %% {OURS} = 0 AS ours
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) numbers
"""
OWN = {
    "id",
    "practice_id",
    "practitioner_id",
    "patient_id",
    "starts_at",
    "ends_at",
    "local_date",
    "local_time",
}


class Growth:
    """Fills the tables of visits up to a level; `still_here` is called between the batches."""

    def __init__(
        self,
        server: psycopg.Connection,
        facts: dict[str, Any],
        still_here: Callable[[], object] = lambda: None,
    ) -> None:
        self.server, self.facts, self.made, self.still_here = server, facts, 0, still_here
        for setting in SETTINGS:
            server.execute(f"SET {setting}")
        self.server.execute("CREATE TEMP TABLE made (LIKE scheduling_appointment)")

    def up_to(self, level: int) -> None:
        """Writes visits until there are as many as the level says, then gathers statistics."""
        self.server.execute("SET synchronous_commit = off")
        with self._without_indexes():
            while self.made < level:
                last = min(self.made + BATCH, level)
                self._write(self.made + 1, last)
                self.made = last
                self.still_here()
        self.server.execute("RESET synchronous_commit")
        for table in TABLES:
            self.server.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))
            self.still_here()

    @contextmanager
    def _without_indexes(self) -> Iterator[None]:
        """Takes away what is looked up by while rows are written, and makes it anew, which takes less time.

        The pages answer meanwhile, slowly; keys and what is unique stay.
        """
        exclusion = self.server.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'no_double_booking'"
        ).fetchall()[0][0]
        made_by = self.server.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
            "WHERE indrelid::regclass::text = ANY (%s) AND NOT indisunique AND NOT indisexclusion",
            [list(TABLES)],
        ).fetchall()
        self.server.execute("ALTER TABLE scheduling_busyslot DROP CONSTRAINT no_double_booking")
        for name, _ in made_by:
            self.server.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))
        yield
        for _, statement in made_by:
            self.server.execute(statement)
            self.still_here()
        self.server.execute(f"ALTER TABLE scheduling_busyslot ADD CONSTRAINT no_double_booking {exclusion}")

    def _write(self, first: int, last: int) -> None:
        columns = [
            row[0]
            for row in self.server.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' "
                "AND table_name = 'scheduling_appointment' ORDER BY ordinal_position"
            )
        ]
        given = {
            "ends_at": "m.starts_at + interval '20 minutes'",
            "local_date": "(m.starts_at AT TIME ZONE 'UTC')::date",
            "local_time": "(m.starts_at AT TIME ZONE 'UTC')::time",
            "status": "'fulfilled'",
            "room_id": "NULL",
            "overbook_reason": "''",
        }
        chosen = [given.get(name, f"m.{name}" if name in OWN else f"t.{name}") for name in columns]
        values = {
            "practice": self.facts["practice_id"],
            "ten": self.facts["ten"],
            "patients": self.facts["patients"][:1000],
            "first": first,
            "last": last,
            "template": self.facts["visit"],
        }
        self.server.execute("TRUNCATE made")
        self.server.execute(
            f"INSERT INTO made SELECT {', '.join(chosen)} FROM ({MADE}) m, scheduling_appointment t "
            "WHERE t.id = %(template)s",
            values,
        )
        self.server.execute("INSERT INTO scheduling_appointment SELECT * FROM made")
        self.server.execute(
            "INSERT INTO scheduling_busyslot (id, practice_id, resource_id, appointment_id, party, "
            "starts_at, ends_at, binding) SELECT id, practice_id, practitioner_id, id, id, "
            "starts_at, ends_at, true FROM made"
        )
