"""A storm of webhooks: the same reports many times, in every order, from many threads at once."""

from __future__ import annotations

import http.client
import itertools
import random
import threading
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator

from messaging.models import Message, Task
from practices.models import Practice
from practices.tenancy import inside
from tools.drills import day
from tools.places import Trouble

THREADS = 20
WRITERS = 20
Figures = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """One webhook, signed."""

    path: str
    body: str
    signature: str


class Storm:
    """What the supplier reports of one practice, posted again and again."""

    def __init__(self, practice: Practice, url: str, token: str, chance: random.Random) -> None:
        self.practice, self.url, self.chance = practice, url, chance
        self.validator = RequestValidator(token)
        self.answers: Counter[int] = Counter()
        self.reported: list[uuid.UUID] = []
        self._guard = threading.Lock()

    def blow(self, posts: int) -> tuple[Figures, Figures, Figures]:
        """Post everything until there were so many posts, then all once more; count the effects."""
        reports = [*self.texts(), *self.statuses()]
        times = max(2, posts // len(reports))
        many = reports * times
        self.chance.shuffle(many)
        self.post_all(many)
        effects = self.effects()
        self.post_all(reports)  # a replay, long after
        expected = {
            "texts_in": WRITERS,
            "tasks": WRITERS - WRITERS // 4,
            "help_answers": WRITERS // 4,
            "not_delivered": 0,
            "sent_again": 0,
            "refused": 0,
            "replay_changed": False,
        }
        refused = sum(n for status, n in self.answers.items() if status >= 300)
        got = effects | {"refused": refused, "replay_changed": self.effects() != effects}
        return expected, got, {"posts": sum(self.answers.values()), "reports": len(reports)}

    def signed(self, path: str, form: dict[str, str]) -> Report:
        signature = str(self.validator.compute_signature(self.url + path, form))
        return Report(path, urlencode(form), signature)

    def texts(self) -> list[Report]:
        """What strangers write: most of it is for a person, every fourth asks for help."""
        path = f"/hooks/twilio/{self.practice.slug}/received/"
        return [
            self.signed(
                path,
                {
                    "MessageSid": f"SM{self.practice.pk:08x}{number:024x}",
                    "From": f"+1802{self.practice.pk % 1000:03d}{number:04d}",
                    "To": str(self.practice.line_number),
                    "Body": "HELP" if number % 4 == 0 else f"A question, number {number}",
                    "NumMedia": "0",
                },
            )
            for number in range(WRITERS)
        ]

    def statuses(self) -> list[Report]:
        """All orders of the reports of each text; one that arrived has arrived, whatever is said later."""
        with inside(self.practice):
            sent = list(Message.objects.filter(direction="out").values_list("pk", "supplier_id", "address"))
        if not all(sid for _, sid, _ in sent):
            raise Trouble("The texts of this drill did not go out in time: there is nothing to report on.")
        self.reported = [key for key, _, _ in sent]
        orders = itertools.cycle(itertools.permutations(("queued", "sent", "undelivered", "delivered")))
        found = []
        for (key, sid, address), order in zip(sent, orders, strict=False):
            path = f"/hooks/twilio/{self.practice.slug}/status/{key}/"
            for status in order:
                form = {"MessageSid": sid, "MessageStatus": status, "To": str(address)}
                form |= {"ErrorCode": "30003"} if status == "undelivered" else {}
                found.append(self.signed(path, form))
        return found

    def post_all(self, reports: list[Report]) -> None:
        """Post from all threads at once."""
        waiting = iter(reports)

        def work() -> None:
            target = urlsplit(self.url)
            connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
            while True:
                with self._guard:
                    report = next(waiting, None)
                if report is None:
                    connection.close()
                    return
                self.post(connection, report)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def post(self, connection: http.client.HTTPConnection, report: Report) -> None:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": report.signature,
        }
        try:
            connection.request("POST", report.path, report.body, headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            status = 599
        with self._guard:
            self.answers[status] += 1

    def effects(self) -> Figures:
        """What the reports left in the practice."""
        with inside(self.practice):
            out = Message.objects.filter(direction="out")
            again = out.exclude(pk__in=self.reported).exclude(kind=Message.Kind.REPLY)
            return {
                "texts_in": Message.objects.filter(direction="in").count(),
                "tasks": Task.objects.open().exclude(kind=Task.Kind.UNDELIVERED).count(),
                "help_answers": out.filter(kind=Message.Kind.REPLY).count(),
                "not_delivered": out.filter(pk__in=self.reported).exclude(status="delivered").count(),
                # A report that it did not arrive orders another text; that it did takes the order back.
                "sent_again": again.filter(status__in=day.WAITING).count(),
            }
