"""Facts about texts and numbers that a carrier knows: shapes, segments, opt-out words, error words."""

from __future__ import annotations

import re

E164 = re.compile(r"\+[1-9][0-9]{7,14}")
PUNCTUATION = re.compile(r"[\s().\-]+")

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "UNSTOP"})
# A bare YES lifts a block too, but is an opt-in only for somebody who had opted out.
SOFT_START_WORDS = frozenset({"YES"})
HELP_WORDS = frozenset({"HELP", "INFO"})

STOP_REPLY = "You will get no more texts from this number. Reply START to get them again."
START_REPLY = "You will get texts from this number again. Reply HELP for help, STOP to end them."

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")

# How a phone may be set up: the answer to the send, or the fate of the text after it was taken.
PHONE_KINDS = {
    "mobile": "A mobile that gets every text",
    "landline": "A landline: the send is refused (21614)",
    "invalid": "No such number: the send is refused (21211)",
    "unreachable": "Switched off: not delivered (30003)",
    "unknown": "Number given up: not delivered (30005)",
    "landline-late": "A landline found out later: not delivered (30006)",
    "filtered": "Filtered by the carrier: not delivered (30007)",
}
# How a phone takes calls.
PHONE_ANSWERS = {
    "ask": "Rings until somebody decides here",
    "desk": "Answers by itself, as a desk phone with a headset",
    "machine": "A voicemail box answers",
    "busy": "Is always busy",
    "no-answer": "Nobody answers",
}
KEYS = "0123456789*#"
REFUSED_KINDS = {"landline": 21614, "invalid": 21211}
UNDELIVERED_KINDS = {"unreachable": 30003, "unknown": 30005, "landline-late": 30006, "filtered": 30007}

ERROR_WORDS = {
    11200: "HTTP retrieval failure",
    21201: "No 'To' number is specified",
    21205: "Url is not a valid URL: {url}",
    21212: "The 'From' number {from_} is not a valid phone number of this account.",
    21213: "Caller phone number is required",
    21220: "Call is not in-progress. Cannot redirect.",
    20001: "A parameter of the request is not valid.",
    20003: "Authenticate",
    20008: "The request is too large.",
    20404: "The requested resource was not found.",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred.",
    20503: "Service unavailable",
    21211: "The 'To' number {to} is not a valid phone number.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number {from_} is not a message-capable number of this account.",
    21609: "The 'StatusCallback' URL {status_callback} is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21614: "The 'To' number {to} is not a valid mobile number.",
    21617: "The concatenated message body exceeds the 1600 character limit.",
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
}


def normal_number(text: str) -> str | None:
    """Return a number as ``+`` and digits, or nothing when it is not an international number."""
    number = PUNCTUATION.sub("", text)
    return number if E164.fullmatch(number) else None


def typed_number(text: str) -> str | None:
    """Return the number a person typed; ten digits are taken as a North American number."""
    digits = PUNCTUATION.sub("", text)
    if re.fullmatch(r"[2-9][0-9]{9}", digits):
        return "+1" + digits
    if re.fullmatch(r"1[2-9][0-9]{9}", digits):
        return "+" + digits
    return normal_number(text)


def shown_number(number: str) -> str:
    """Return a number as people in its country write it, for the pages only."""
    match = re.fullmatch(r"\+1([0-9]{3})([0-9]{3})([0-9]{4})", number)
    return f"({match[1]}) {match[2]}-{match[3]}" if match else number


def segments(body: str) -> int:
    """Return how many parts the carrier charges for: GSM-7 when every letter fits, else UCS-2."""
    if all(letter in GSM_BASIC or letter in GSM_EXTENDED for letter in body):
        length = sum(2 if letter in GSM_EXTENDED else 1 for letter in body)
        single, part = 160, 153
    else:
        length = len(body.encode("utf-16-be")) // 2
        single, part = 70, 67
    return 1 if length <= single else -(-length // part)


def opt_out_type(body: str, blocked: bool) -> str:
    """Return STOP, START, HELP or nothing; only a text that is one whole keyword counts."""
    word = body.strip().upper()
    if word in STOP_WORDS:
        return "STOP"
    if word in START_WORDS or (blocked and word in SOFT_START_WORDS):
        return "START"
    return "HELP" if word in HELP_WORDS else ""
