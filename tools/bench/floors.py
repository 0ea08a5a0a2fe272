"""What the database alone needs for the same rows, asked by psycopg without row security."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg

from tools.bench.load import Waited, in_threads, timed

BOARD = """
    SELECT a.id, a.starts_at, a.ends_at, a.status, a.confirmation, a.arrived_at, a.seen_at, a.version, a.note,
           p.given, p.family, p.preferred, p.needs, c.short_name, r.name, t.name
    FROM scheduling_appointment a
    JOIN patients_patient p ON p.id = a.patient_id
    JOIN scheduling_practitioner c ON c.id = a.practitioner_id
    JOIN scheduling_appointmenttype t ON t.id = a.appointment_type_id
    LEFT JOIN practices_room r ON r.id = c.room_id
    WHERE a.practice_id = %s AND a.local_date = %s ORDER BY a.starts_at
"""
SEARCH = """
    SELECT p.id, p.given, p.family, p.birth_date FROM patients_patientword w
    JOIN patients_patient p ON p.id = w.patient_id
    WHERE w.practice_id = %s AND w.word >= %s AND w.word < %s LIMIT 9
"""
TIMES = """
    SELECT practitioner_id, starts_at, ends_at FROM scheduling_appointment
    WHERE practice_id = %s AND practitioner_id = ANY(%s) AND status IN ('booked', 'arrived', 'fulfilled')
      AND starts_at > now() AND starts_at < now() + interval '28 days'
"""
ONE_VISIT = BOARD.replace("a.local_date = %s", "a.id = %s")
# Copies with every index, so that the floor's bookings do not meet the product's. The floor keeps a
# clinician's time apart by one constraint on the visit itself: the least that a booking can do.
COPIES = """
    CREATE TABLE IF NOT EXISTS bench_visit (LIKE scheduling_appointment INCLUDING ALL);
    ALTER TABLE bench_visit DROP CONSTRAINT IF EXISTS bench_no_double_booking;
    ALTER TABLE bench_visit ADD CONSTRAINT bench_no_double_booking EXCLUDE USING gist
        (practitioner_id WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&)
        WHERE (status IN ('booked', 'arrived', 'fulfilled') AND overbook_reason = '');
    CREATE TABLE IF NOT EXISTS bench_message (LIKE messaging_message INCLUDING ALL);
"""


class Floors:
    """One connection of the superuser to the bench's database, and what it asks."""

    def __init__(self, address: str, facts: dict[str, Any]) -> None:
        self.address, self.facts = address, facts
        self.server = psycopg.connect(address, autocommit=True)
        self.practice = facts["practice_id"]

    def close(self) -> None:
        self.server.close()

    def _query(self, text: str, *values: Any) -> Callable[[], object]:
        return lambda: self.server.execute(text, values).fetchall()

    def board(self, times: int) -> Waited:
        return timed(self._query(BOARD, self.practice, self.facts["day"]), times)

    def visit(self, times: int) -> Waited:
        return timed(self._query(ONE_VISIT, self.practice, uuid.UUID(self.facts["visit"])), times)

    def search(self, times: int) -> Waited:
        prefixes = iter(self.facts["searches"]["by a prefix"] * (times // 50 + 2))

        def ask() -> object:
            word = next(prefixes).lower()
            return self._query(SEARCH, self.practice, word, word + "\U0010ffff")()

        return timed(ask, times)

    def times(self, times: int) -> Waited:
        people = [uuid.UUID(one) for one in self.facts["ten"]]
        return timed(self._query(TIMES, self.practice, people), times)

    def book(self, clients: int, each: int) -> Waited:
        """Bare bookings: an insert under the exclusion constraint and one into the outbox, one commit."""
        self.server.execute(COPIES)
        visit = self._insert("scheduling_appointment", "bench_visit")
        message = self._insert("messaging_message", "bench_message")
        free = iter(self.facts["free"][: clients * each])
        waited: list[Waited] = []
        lock = threading.Lock()

        def client() -> None:
            with psycopg.connect(self.address) as own:

                def one() -> None:
                    with lock:
                        who, when = next(free)
                    with own.transaction():
                        self._one(own, visit, message, who, when)

                waited.append(timed(one, each - 3))

        seconds = in_threads(client, clients)
        self.server.execute("TRUNCATE bench_visit, bench_message")
        return Waited([ms for one in waited for ms in one.each], seconds, Counter())

    def _one(self, own: psycopg.Connection, visit: Any, message: Any, who: str, when: str) -> None:
        values = dict(visit[1]) | {"id": uuid.uuid4(), "practitioner_id": uuid.UUID(who), "starts_at": when}
        own.execute(
            f"{visit[0]} VALUES ({', '.join('%(' + n + ')s' if n != 'ends_at' else _ENDS for n in values)})",
            values,
        )
        values = dict(message[1]) | {"id": uuid.uuid4(), "idempotency_key": str(uuid.uuid4())}
        own.execute(f"{message[0]} VALUES ({', '.join(f'%({n})s' for n in values)})", values)

    def _insert(self, source: str, target: str) -> tuple[str, dict[str, Any]]:
        """An INSERT with the columns of a table, and the values of a row of it."""
        cursor = self.server.execute(
            f"SELECT * FROM {source} WHERE practice_id = %s LIMIT 1", [self.practice]
        )
        row = cursor.fetchone()
        names = [column.name for column in cursor.description or ()]
        if row is None:
            raise LookupError(source)
        values = dict(zip(names, row, strict=True))
        if "status" in values and source.endswith("appointment"):
            values |= {"status": "booked", "overbook_reason": ""}
        return f"INSERT INTO {target} ({', '.join(names)})", values


_ENDS = "%(starts_at)s::timestamptz + interval '20 minutes'"
