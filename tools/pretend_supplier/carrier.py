"""What happens to texts: taking them, delivering them, carrying answers back to the practice."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from . import texts
from .courier import Courier, Delivery
from .ledger import API_VERSION, FINAL, Ledger, Message, now
from .pictures import ENCLOSURES
from .settings import Settings
from .twiml import Reply, TwimlError, read_replies


class Refused(Exception):
    """A send that is refused with one of the supplier's error codes."""

    def __init__(self, code: int, to: str = "", from_: str = "", status_callback: str = "") -> None:
        words = texts.ERROR_WORDS[code].format(to=to, from_=from_, status_callback=status_callback)
        super().__init__(words)
        self.code = code


@dataclass(frozen=True)
class Order:
    """A send that was asked for and found in order."""

    to: str
    from_: str
    body: str
    status_callback: str = ""
    validity_period: int | None = None


class Carrier:
    """Moves texts between the practices' lines and the phones."""

    def __init__(self, settings: Settings, ledger: Ledger, courier: Courier) -> None:
        self.settings = settings
        self.ledger = ledger
        self.courier = courier

    # From the practice to a phone

    def check(self, form: Mapping[str, str]) -> Order:
        """Return the order in a form, or refuse it the way the supplier would."""
        to_text, from_text, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
        callback = form.get("StatusCallback", "")
        for value, code in ((to_text, 21604), (from_text, 21603), (body, 21602)):
            if not value.strip():
                raise Refused(code)
        if len(body) > 1600:
            raise Refused(21617)
        to, from_ = texts.normal_number(to_text), texts.normal_number(from_text)
        if to is None:
            raise Refused(21211, to=to_text)
        if from_ is None or (self.settings.lines and from_ not in self.settings.lines):
            raise Refused(21606, from_=from_text)
        if callback and urlsplit(callback).scheme not in ("http", "https"):
            raise Refused(21609, status_callback=callback)
        if (code := texts.REFUSED_KINDS.get(self.ledger.kind_of(to), 0)) != 0:
            raise Refused(code, to=to)
        if (from_, to) in self.ledger.opt_outs:
            raise Refused(21610)
        return Order(to, from_, body, callback, read_validity(form.get("ValidityPeriod", "")))

    def take(self, order: Order, direction: str = "outbound-api", fault: str = "") -> Message:
        """Write a send into the ledger and let it travel; from here on the patient will get it."""
        message = Message(
            sid="SM" + secrets.token_hex(16),
            account_sid=self.settings.account_sid,
            direction=direction,
            from_=order.from_,
            to=order.to,
            body=order.body,
            status="queued",
            created=now(),
            status_callback=order.status_callback,
            validity_period=order.validity_period,
            fault=fault,
        )
        self.ledger.keep_message(message)
        self.courier.later(self.settings.sent_after, lambda: self._send_on(message))
        return message

    def resume(self) -> None:
        """Let texts travel on that were under way when the program last ended."""
        for message in self.ledger.snapshot():
            if message.outbound and message.status not in FINAL:
                self.courier.later(self.settings.sent_after, partial(self._send_on, message))

    def _send_on(self, message: Message) -> None:
        if not self._move(message, "sent", frozenset({"queued", "sent"})):
            return
        self.courier.later(self.settings.delivered_after, lambda: self._arrive(message))
        self._tell(message, "sent")

    def _arrive(self, message: Message) -> None:
        code = texts.UNDELIVERED_KINDS.get(self.ledger.kind_of(message.to))
        status = "undelivered" if code else "delivered"
        if self._move(message, status, frozenset({"sent"}), code):
            self._tell(message, status)

    def _move(self, message: Message, status: str, before: frozenset[str], code: int | None = None) -> bool:
        """Move a text on, unless it was cancelled or deleted in the meantime."""
        with self.ledger.changed:
            if message.sid not in self.ledger.messages or message.status not in before:
                return False
            message.status, message.error_code = status, code
            message.sent = message.sent or now()
            self.ledger.keep_message(message)
            return True

    def _tell(self, message: Message, status: str) -> None:
        if message.status_callback:
            self.courier.post(message.status_callback, status_params(message, status))

    # From a phone to the practice

    def write(self, phone: str, line: str, body: str, enclosed: Sequence[str] = ()) -> Message:
        """Take a text a patient wrote, and post it to the line's webhook; the words name pictures."""
        with self.ledger.changed:
            blocked = (line, phone) in self.ledger.opt_outs
            kind = texts.opt_out_type(body, blocked)
            message = Message(
                sid=("MM" if enclosed else "SM") + secrets.token_hex(16),
                account_sid=self.settings.account_sid,
                direction="inbound",
                media=[{"sid": "ME" + secrets.token_hex(16), "what": what} for what in enclosed],
                from_=phone,
                to=line,
                body=body,
                status="received",
                created=now(),
                opt_out_type=kind,
            )
            self.ledger.keep_message(message)
            if kind in ("STOP", "START"):
                self.ledger.set_opt_out(line, phone, kind == "STOP")
        self._answer_keyword(message, blocked)
        self.courier.later(0, lambda: self.post_inbound(message))
        return message

    def _answer_keyword(self, message: Message, blocked: bool) -> None:
        """Answer STOP and START once, as the carrier does: after STOP nobody else may write."""
        if not self.settings.opt_out_replies:
            return
        if message.opt_out_type == "STOP" and not blocked:
            self.take(Order(message.from_, message.to, texts.STOP_REPLY), "outbound-reply")
        elif message.opt_out_type == "START" and blocked:
            self.take(Order(message.from_, message.to, texts.START_REPLY), "outbound-reply")

    def post_inbound(self, message: Message) -> Delivery | None:
        """Post one inbound text to its line's webhook and do what the answer asks for."""
        line = self.settings.lines.get(message.to)
        if line is None or not line.url:
            self._remark(message, "Nobody listens on this number.")
            return None
        delivery = self.courier.post(line.url, inbound_params(message, self.settings.base_url))
        if not delivery.ok:
            self._remark(message, f"The practice's system did not take this text: {delivery.tries[-1]}.")
            return delivery
        try:
            replies = read_replies(delivery.body, delivery.content_type)
        except TwimlError as error:
            self._remark(message, f"The practice's system answered what is not TwiML: {error}.")
            return delivery
        for reply in replies[:10]:
            self._reply(message, reply)
        return delivery

    def _reply(self, message: Message, reply: Reply) -> None:
        to = texts.normal_number(reply.to) if reply.to else message.from_
        if not to or not reply.body:
            return
        # After STOP the carrier lets nothing through, an answer to the STOP itself included.
        if self.settings.opt_out_replies and (message.to, to) in self.ledger.opt_outs:
            self._remark(message, "A reply was held back: this phone has opted out (21610).")
            return
        self.take(Order(to, message.to, reply.body, reply.status_callback), "outbound-reply")

    def _remark(self, message: Message, words: str) -> None:
        with self.ledger.changed:
            if message.sid in self.ledger.messages:
                message.note = words
                self.ledger.keep_message(message)

    def replay(self, message: Message) -> Delivery | None:
        """Post again exactly what was posted for a text: the inbound text, or its last status."""
        if not message.outbound:
            return self.post_inbound(message)
        if not message.status_callback:
            return None
        return self.courier.post(message.status_callback, status_params(message, message.status))


def read_validity(text: str) -> int | None:
    """Return the seconds a text may wait, which are 1 to 36000."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 36_000:
        raise Refused(20001)
    return int(text)


def status_params(message: Message, status: str) -> dict[str, str]:
    """Return the parameters of a status callback."""
    params = {
        "AccountSid": message.account_sid,
        "ApiVersion": API_VERSION,
        "From": message.from_,
        "MessageSid": message.sid,
        "MessageStatus": status,
        "SmsSid": message.sid,
        "SmsStatus": status,
        "To": message.to,
    }
    if message.error_code and status in ("undelivered", "failed"):
        params["ErrorCode"] = str(message.error_code)
    return params


def inbound_params(message: Message, host: str = "") -> dict[str, str]:
    """Return the parameters of an inbound webhook."""
    params = {
        "AccountSid": message.account_sid,
        "ApiVersion": API_VERSION,
        "Body": message.body,
        "From": message.from_,
        "FromCountry": "US",
        "MessageSid": message.sid,
        "NumMedia": str(len(message.media)),
        "NumSegments": str(texts.segments(message.body)),
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
        "ToCountry": "US",
    }
    if message.opt_out_type:
        params["OptOutType"] = message.opt_out_type
    for number, piece in enumerate(message.media):
        params[f"MediaContentType{number}"] = ENCLOSURES[piece["what"]].declared
        params[f"MediaUrl{number}"] = f"{host}{message.uri.removesuffix('.json')}/Media/{piece['sid']}"
    return params
