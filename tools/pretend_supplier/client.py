"""Drives a pretend supplier from tests: one that runs already, or one of its own in this process."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

from .call_client import CallsClient
from .settings import DEMO_ACCOUNT_SID, DEMO_AUTH_TOKEN, Settings
from .supplier import Supplier

Json = dict[str, Any]


class ControlError(RuntimeError):
    """The supplier refused what a test asked of it."""


class SupplierClient(CallsClient):
    """Speaks to the control doors of a supplier that runs at ``base_url``."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def call(self, method: str, path: str, data: Any = None) -> Any:
        """Call one control door and return its JSON."""
        target = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
        body = None if data is None else json.dumps(data)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = json.loads(answer.read() or b"null")
        finally:
            connection.close()
        if answer.status >= 400:
            raise ControlError(f"{method} {path}: {answer.status} {content}")
        return content

    def healthy(self) -> bool:
        """Return whether the supplier answers."""
        try:
            return bool(self.call("GET", "/pretend/healthz")["status"] == "ok")
        except (OSError, ControlError):
            return False

    def ledger(self, everything: bool = False) -> list[Json]:
        """Return the accepted sends in order; with ``everything`` also replies and inbound texts."""
        return list(self.call("GET", "/pretend/ledger" + ("?all=1" if everything else "")))

    def phone(self, number: str) -> Json:
        """Return a phone with its kind, name, opt-outs and conversation."""
        return dict(self.call("GET", f"/pretend/phones/{quote(number)}"))

    def set_phone(self, number: str, kind: str = "mobile", name: str = "", **more: str) -> Json:
        """Set how a phone behaves: ``texts.PHONE_KINDS``; more: answers (PHONE_ANSWERS), presses (keys)."""
        order = {"kind": kind, "name": name, **more}
        return dict(self.call("POST", f"/pretend/phones/{quote(number)}", order))

    def conversation(self, number: str) -> list[Json]:
        """Return every text from and to a phone, oldest first."""
        return list(self.phone(number)["messages"])

    def texts_to(self, number: str) -> list[Json]:
        """Return the texts a phone got or will get, oldest first, replies included."""
        return [text for text in self.conversation(number) if text["direction"] != "inbound"]

    def write(self, from_: str, to: str, body: str, enclosed: Sequence[str] = ()) -> Json:
        """Let a patient write to a line; the webhook goes out at once, from another thread."""
        order = {"to": to, "body": body, "enclosed": list(enclosed)}
        return dict(self.call("POST", f"/pretend/phones/{quote(from_)}/texts", order))

    def replay(self, sid: str, times: int = 1, at_once: bool = False) -> list[list[str]]:
        """Post the webhook of a text again and return the status of each try."""
        order = {"sid": sid, "times": times, "at_once": at_once}
        return list(self.call("POST", "/pretend/webhooks/replay", order)["tries"])

    def fault(self, kind: str, **facts: Any) -> Json:
        """Order one fault instead of all before; facts: times, rate, to, on, seconds, seed."""
        return dict(self.call("POST", "/pretend/faults", {"kind": kind, **facts}))

    def faults(self, faults: list[Json], seed: int = 0) -> Json:
        """Order several faults instead of all before."""
        return dict(self.call("POST", "/pretend/faults", {"faults": faults, "seed": seed}))

    def happened(self) -> dict[str, int]:
        """Return how often each kind of fault has happened."""
        return dict(self.call("GET", "/pretend/faults")["happened"])

    def clear_faults(self) -> None:
        """Work well again."""
        self.call("DELETE", "/pretend/faults")

    def add_number(self, number: str, url: str = "", name: str = "", **more: str) -> None:
        """Add a practice's line, or change it; more: voice_url, voice_status_url."""
        self.call("POST", "/pretend/numbers", {"number": number, "url": url, "name": name, **more})

    def mails(self, to: str = "") -> list[Json]:
        """Return the mails, oldest first, all or those to one address."""
        return [mail for mail in self.call("GET", "/pretend/mails") if not to or to in mail["recipients"]]

    def webhooks(self) -> list[Json]:
        """Return the webhooks posted, with url, params, signature and the status of each try."""
        return list(self.call("GET", "/pretend/webhooks"))

    def reset(self) -> None:
        """Forget everything but the lines."""
        self.call("POST", "/pretend/reset")

    def wait_for(self, look: Callable[[], Any], seconds: float = 10.0) -> Any:
        """Look again and again until something true is found; fail the test when it never is."""
        until = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > until:
                raise AssertionError("the supplier waited in vain")
            time.sleep(0.02)
        return found


class PretendSupplier(SupplierClient):
    """A supplier of its own on free ports, in threads of this process; use it in a ``with``."""

    def __init__(
        self,
        numbers: Mapping[str, str] | None = None,
        *,
        account_sid: str = DEMO_ACCOUNT_SID,
        auth_token: str = DEMO_AUTH_TOKEN,
        ledger: Path | None = None,
        routes: Mapping[str, str] | None = None,
        opt_out_replies: bool = True,
        delay: float = 0.02,
        **more: Any,
    ) -> None:
        settings = Settings(
            account_sid=account_sid,
            auth_token=auth_token,
            ledger=ledger,
            routes=dict(routes or {}),
            opt_out_replies=opt_out_replies,
            **{
                "sent_after": delay,
                "delivered_after": delay,
                "retry_after": delay,
                "pace": 0.02,
                "desk_answers_after": delay,
                **more,
            },
        )
        for number, url in (numbers or {}).items():
            settings.add_line(number, url=url)
        self.account_sid, self.auth_token = account_sid, auth_token
        self._supplier = Supplier(settings)
        super().__init__(f"http://127.0.0.1:{self._supplier.port}")

    @property
    def smtp_host(self) -> str:
        """Return where mails are taken."""
        return "127.0.0.1"

    @property
    def smtp_port(self) -> int:
        """Return the port on which mails are taken."""
        if self._supplier.post is None:
            raise ControlError("this supplier takes no mails")
        return self._supplier.post.port

    def settle(self, seconds: float = 10.0) -> None:
        """Wait until every text is delivered and every webhook posted; fail the test when it takes longer."""
        if not self._supplier.courier.settle(seconds):
            raise AssertionError("the supplier still has something to do")

    def start(self) -> None:
        """Open the ports."""
        self._supplier.start()

    def stop(self) -> None:
        """Close the ports and end the threads."""
        self._supplier.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
