"""A marked patient goes through a whole day at DEBUG; then everything that was written is searched for her.

SECURITY.md F4 and F1: logs, broker, addresses, mails and the tables at rest. What the supplier of texts gets
is not searched: it is the outside world, and has to know whom to text.
"""

import base64
import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import redis
import requests
from django.db import connection

from messaging.models import Conversation, DeskRules
from patients.models import Patient
from practices.apikeys import create_api_key
from practices.models import Practice, Role
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.conftest import owner_connection
from tests.factories import a_member, a_practice, a_practitioner, a_type, a_user, an_actor
from tests.houses import House, Visitor, zone_where_it_is
from tests.journeys.test_the_day import until

NAMES = ("quillonara", "vexworthy", "quilly")
BORN = ("1973-08-19", "8/19/1973", "08/19/1973", "8/19/73", "19730819", "august 19, 1973", "aug 19, 1973")
PHONE = ("5035550177", "(503) 555-0177", "503-555-0177", "503 555 0177")
SEALED = (
    *BORN, *PHONE, "marked.box@example.org", "wisteriafirst", "glossopreason", "marzipannote", "tamarindneed",
    "halcyonstreet", "periwinkleask", "persimmontext", "butterscotchword", "cardamomtask", "nutmegwish",
)  # fmt: skip
EVERYTHING = NAMES + SEALED
TYPED_BY_HAND = "?q=quillonara"  # no page of ours asks so; a person may, and the log keeps silent about it
# Names are searched for, so they are kept readable; docs/data-protection.md says why. Nowhere else.
TABLES_OF_NAMES = {"patients_patient", "patients_patientword", "patients_misspelledword"}


def found_in(text: str, canaries: tuple[str, ...] = EVERYTHING) -> list[str]:
    """Which canaries a text holds, also inside what Celery packs in base64."""
    unpacked = [text]
    for packed in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text):
        try:
            unpacked.append(base64.b64decode(packed + "=" * (-len(packed) % 4)).decode(errors="replace"))
        except ValueError:
            continue
    whole = "\n".join(unpacked).lower()
    return [canary for canary in canaries if canary in whole]


class Listener:
    """Everything that anybody says to the broker."""

    def __init__(self, url: str) -> None:
        self.url, self.heard = url, list[str]()
        self.client = redis.Redis.from_url(url)

    @contextmanager
    def listening(self) -> Iterator["Listener"]:
        with self.client.monitor() as monitor:
            ready, done = threading.Event(), threading.Event()

            def listen() -> None:
                ready.set()
                while not done.is_set():
                    self.heard.append(str(monitor.next_command()["command"]))

            thread = threading.Thread(target=listen, daemon=True)
            thread.start()
            ready.wait()
            try:
                yield self
            finally:
                done.set()
                self.client.ping()
                thread.join(5)

    def at_rest(self) -> str:
        """All keys and what they hold."""
        read = {
            b"list": lambda key: self.client.lrange(key, 0, -1),
            b"hash": self.client.hgetall,
            b"set": self.client.smembers,
            b"zset": lambda key: self.client.zrange(key, 0, -1),
            b"string": self.client.get,
        }
        kinds = [(key, self.client.type(key)) for key in self.client.scan_iter()]
        # A queue that was worked off meanwhile has no kind any more.
        return "\n".join(f"{key!r} {read[kind](key)!r}" for key, kind in kinds if kind in read)


def dump() -> dict[str, str]:
    """Each table as text, as its owner sees it with row security off; nothing of that is kept."""
    with owner_connection(str(connection.settings_dict["NAME"])) as owner:
        tables = [
            row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        found = {}
        for table in tables:
            with owner.transaction(force_rollback=True):
                owner.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')  # type: ignore[arg-type]
                rows = owner.execute(f'SELECT t::text FROM "{table}" t').fetchall()  # type: ignore[arg-type]
            found[table] = "\n".join(row[0] for row in rows)
        return found


@contextmanager
def owner_says(change: str, back: str) -> Iterator[None]:
    with owner_connection(str(connection.settings_dict["NAME"])) as owner:
        owner.execute(change)  # type: ignore[arg-type]
        try:
            yield
        finally:
            owner.execute(back)  # type: ignore[arg-type]


class Journey:
    """One day of a marked patient."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.practice: Practice = a_practice(
            time_zone=zone_where_it_is(12), quiet_from=dt.time(0), quiet_until=dt.time(0), undo_minutes=0,
            reminder_days=[1],
        )  # fmt: skip
        self.base = f"/p/{self.practice.slug}"
        dana = a_member(self.practice, None, Role.RECEPTIONIST, Role.MANAGER)
        osei = a_member(self.practice, a_user("osei@frontdesk.example"), Role.CLINICIAN)
        clinician = a_practitioner(self.practice, user=osei.user)
        self.kind = a_type(self.practice, practitioners=[clinician])
        with inside(self.practice):
            # The confirmation and the reminder of one day both go.
            DeskRules.objects.create(practice=self.practice, most_a_day=5)
            _, self.key = create_api_key(user=dana.user, by=an_actor(dana))
        house.connect(self.practice)
        self.dana, self.anybody = Visitor(house.url), Visitor(house.url)
        self.dana.sign_in()

    def register(self) -> None:
        typed = {
            "given": "Quillonara", "family": "Vexworthy", "preferred": "Quilly", "birth_date": "8/19/73",
            "sex": "female", "language": "en", "preferred_channel": "sms", "phone_1": "(503) 555-0177",
            "phone_1_use": "mobile", "email_1": "marked.box@example.org", "know_first": "wisteriafirst",
            "need_note": "tamarindneed", "needs": "interpreter", "address_line": "9 Halcyonstreet",
        }  # fmt: skip
        self.post("patients/search/", q="quillonara", htmx=True)
        self.post("patients/new/", typed="Quillonara Vexworthy 8/19/73")
        self.post("patients/duplicates/", **typed)
        assert "birth" in self.post("patients/new/", **typed | {"birth_date": "19730819 or so"}).text
        self.post("patients/new/", **typed)
        with inside(self.practice):
            self.patient = Patient.objects.get()
        self.record = f"patients/{self.patient.pk}/"
        self.post(f"{self.record}consent/", channel="sms", granted="yes", how="phone")
        self.post("preferences", privacy_mode="on")
        for query in ("quilly", "8/19/1973", "503 555 0177", "vexw"):
            assert "Q. V." in self.post("patients/", q=query).text
        self.post("preferences", privacy_mode="off")

    def post(self, door: str, htmx: bool = False, **data: str) -> requests.Response:
        path = f"/{door}/" if door == "preferences" else f"{self.base}/{door}"
        return self.dana.post(path, data, **({"HX_Request": "true"} if htmx else {}))

    def get(self, door: str) -> requests.Response:
        return self.dana.get(f"{self.base}/{door}")

    def book(self) -> None:
        """For tomorrow, by the first time that the diary offers there."""
        tomorrow = self.practice.today() + dt.timedelta(days=1)
        known = {
            "patient": str(self.patient.pk),
            "for": str(self.patient.pk),
            "visit_type": str(self.kind.pk),
        }
        other = {"slot": "other", "day": tomorrow.isoformat(), "time": "10:00"}
        with inside(self.practice):
            other["with_whom"] = str(self.kind.offers.get().practitioner_id)
        chosen = known | other | {"reason": "glossopreason", "text_ok": "on", "needs": "interpreter"}
        self.post("book/times/", **chosen)
        assert self.post("book/", **chosen | {"time": "99"}).status_code == 422
        assert self.post("book/", **chosen).ok
        with inside(self.practice):
            self.visit = Appointment.objects.get()
            # Booked before the moment of the reminder, so that it is due now.
            Appointment.objects.update(created_at=self.visit.created_at - dt.timedelta(days=2))
        today = chosen | {"day": self.practice.today().isoformat(), "time": "4:00 PM"}
        today.pop("text_ok")
        assert self.post("book/", **today).ok  # so that the clinician has something to be briefed on
        self.get(f"appointments/{self.visit.pk}/")
        self.post(f"appointments/{self.visit.pk}/note/", before=dt_fingerprint(""), note="marzipannote")

    def texts(self) -> list[str]:
        return [text["body"] for text in self.house.supplier.texts_to("+15035550177")]

    def write_and_answer(self) -> None:
        until(lambda: len(self.texts()) > 1, "confirmation and reminder")
        for said in ("periwinkleask, could I bring my aunt?", "Yes"):
            self.house.supplier.write("+15035550177", str(self.practice.line_number), said)
        until(self.confirmed, "the confirmation")
        with inside(self.practice):
            thread = Conversation.objects.get(patient=self.patient)
        assert self.post(f"inbox/{thread.pk}/write/", body="persimmontext", channel="sms").ok
        until(lambda: any("persimmontext" in text for text in self.texts()), "the note")
        self.get(f"{self.record}messages/")
        self.get("queue/")

    def confirmed(self) -> bool:
        with inside(self.practice):
            return Appointment.objects.get(pk=self.visit.pk).confirmation == "confirmed"

    def open_link(self) -> str:
        (link, *_) = re.findall(r"/v/[\w-]+/", self.texts()[0])
        assert self.anybody.get(link).status_code == 200
        wrong = {"birth_year": "1973", "birth_month": "8", "birth_day": "20"}
        assert self.anybody.post(f"{link}details/", wrong).status_code == 403
        assert "Dr. Osei, about" in self.anybody.post(f"{link}details/", wrong | {"birth_day": "19"}).text
        assert "BEGIN:VCALENDAR" in self.anybody.get(f"{link}calendar/").text
        self.anybody.post(f"{link}new-time/", {"text": "nutmegwish"})
        self.anybody.get("/v/nobodysxxxxxxxxxxxxxxxxxxxxx/")
        return link.strip("/").removeprefix("v/")

    def review(self) -> None:
        for door in (
            "today/",
            "list/",
            "morning/",
            "wrap/",
            "day/",
            self.record,
            f"{self.record}edit/",
        ):
            assert self.get(door).status_code == 200
        self.post("reviews/morning/start/")
        self.post("morning/brief/")
        self.post("reviews/evening/start/")
        self.post("wrap/note/", text="cardamomtask")

    def use_the_api(self) -> None:
        def call(method: str, path: str, body: dict[str, object] | None = None) -> int:
            return requests.request(
                method, f"{self.house.url}/api/v1{self.base}/{path}", json=body, timeout=15,
                headers={"Authorization": f"Bearer {self.key}"},
            ).status_code  # fmt: skip

        assert call("POST", "patients/search/", {"text": "quillonara vexworthy"}) == 200
        assert call("GET", f"patients/{self.patient.pk}/") == 200
        assert call("PATCH", f"patients/{self.patient.pk}/", {"version": 1, "birth_date": "8/19/73"}) == 400
        assert (
            call("POST", "patients/", {"given": "Quillonara", "family": "", "phones": [{"value": "5"}]})
            == 400
        )
        assert call("GET", f"appointments/?day={self.visit.local_date}") == 200

    def stumble(self) -> None:
        """Errors of the house itself: the database quotes what it was asked to store or to find."""
        assert self.get(f"patients/no-id/{TYPED_BY_HAND}").status_code == 404
        words = (
            "ALTER TABLE patients_patientword RENAME TO {}",
            "ALTER TABLE {} RENAME TO patients_patientword",
        )
        with owner_says(*(sentence.format("lost") for sentence in words)):
            assert self.post("patients/", q="quillonara").status_code == 500
        refuse = "ALTER TABLE patients_patient ADD CONSTRAINT full_up CHECK (given <> 'Quillonara') NOT VALID"
        typed = {"given": "Quillonara", "family": "Vexworthy", "birth_date": "8/19/73", "sex": "unknown"}
        with owner_says(refuse, "ALTER TABLE patients_patient DROP CONSTRAINT full_up"):
            typed |= {"language": "en", "preferred_channel": "sms"}
            assert self.post("patients/new/", **typed).status_code == 500


def dt_fingerprint(text: str) -> str:
    from scheduling.noting import fingerprint

    return fingerprint(text)


def a_day_of(house: House) -> tuple[Journey, str]:
    journey = Journey(house)
    journey.register()
    journey.book()
    journey.write_and_answer()
    token = journey.open_link()
    journey.review()
    until(lambda: house.supplier.mails("osei@frontdesk.example"), "the brief")
    journey.use_the_api()
    journey.stumble()
    return journey, token


def test_nothing_of_a_patient_is_written_where_it_does_not_belong(house: House) -> None:
    listener = Listener(house.redis_url)
    with listener.listening():
        journey, token = a_day_of(house)
    marked = (*EVERYTHING, token.lower())
    logs = {name: house.log(name) for name in house.processes}
    assert {name: found_in(log, marked) for name, log in logs.items()} == {name: [] for name in logs}
    assert found_in("\n".join(listener.heard) + listener.at_rest(), marked) == []
    asked = [url for url in journey.dana.asked if TYPED_BY_HAND not in url]
    assert found_in("\n".join(asked)) == []
    assert found_in(json.dumps(house.supplier.mails("osei@frontdesk.example"))) == []
    tables = dump()
    kept = {table: found_in(text, (*SEALED, token.lower())) for table, text in tables.items()}
    assert {table: found for table, found in kept.items() if found} == {}
    named = {table for table, text in tables.items() if found_in(text, NAMES)}
    assert named == TABLES_OF_NAMES
    # The controls: these logs are at DEBUG, speak of this day, and these tables are not empty.
    assert "DEBUG" in logs["worker"]
    assert "Internal Server Error" in logs["desk"]
    assert any("deliver_due" in said for said in listener.heard)
    assert all(
        tables[table] for table in ("messaging_message", "practices_auditentry", "scheduling_appointment")
    )


def test_the_search_finds_what_is_there(house: House) -> None:
    """The control: a task with a name in its arguments and a line in a log are found by the same search."""
    from kombu import Connection

    listener = Listener(house.redis_url)
    with listener.listening(), Connection(house.redis_url) as broker:
        broker.SimpleQueue("strays").put({"patient": "Quillonara"}, serializer="json")
        until(lambda: found_in("\n".join(listener.heard)), "the stray", seconds=5)
    assert found_in("\n".join(listener.heard)) == ["quillonara"]
    assert found_in(listener.at_rest()) == ["quillonara"]
    house.redis.delete("strays")
    log = house.folder / "deliberate.log"
    log.write_text("2026-11-24 INFO texting (503) 555-0177 for Ms. Vexworthy\n")
    assert set(found_in(house.log("deliberate"))) == {"vexworthy", "(503) 555-0177"}
