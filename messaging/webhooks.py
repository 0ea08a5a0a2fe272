"""The supplier's doors: what was texted to a practice, and what became of a text of ours.

Both write a few rows and nothing else, so they answer at once. The signature is checked against the
account of the practice in the address; what is not signed for it writes nothing.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from messaging import inbox, receipts, sms
from messaging.models import WebhookReceipt
from practices.access import public_door
from practices.models import Practice
from practices.tenancy import current_practice, inside

LARGEST = 64 * 1024  # bytes of one webhook
# The supplier signs names and values run together, without a mark between them. Where one ends is told by
# these shapes alone, so that one signature cannot be read as two different requests.
NAME = re.compile(r"(?:[A-Z][A-Za-z0-9]{0,60}|msg)\Z")  # msg: why a menu ended
SID = re.compile(r"[A-Z]{2}[a-z0-9_-]{1,62}\Z")
MOST_PICTURES = 20
NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

SIGNED = "the supplier's signature over address and fields, checked with the practice's own token"


def signed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Lets in what the supplier signed for this practice, in its scope; else 403 and nothing written."""

    def check(request: HttpRequest, practice: str, **kwargs: Any) -> HttpResponse:
        if not (request.META.get("CONTENT_LENGTH") or "0").isdigit():
            return HttpResponse(status=400)
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
            return HttpResponse(status=413)
        owner = Practice.objects.filter(slug=practice).first()
        if owner is None:
            return HttpResponse(status=403)
        with inside(owner):
            genuine = sms.signature_is_valid(
                sms.account_of(owner),
                path=request.get_full_path(),
                form=request.POST,
                signature=request.headers.get("X-Twilio-Signature"),
            )
            if not genuine and "webhook-signature" not in settings.SWITCHED_OFF:
                return HttpResponse(status=403)
            if not is_plain(request.POST):
                return HttpResponse("Each field once, please.", status=400, content_type="text/plain")
            return view(request, **kwargs)

    check.__name__, check.__doc__, check.__module__ = view.__name__, view.__doc__, view.__module__
    return public_door(SIGNED)(csrf_exempt(require_POST(check)))


def is_plain(form: QueryDict) -> bool:
    """Whether each field has a name of the supplier's kind and one value, and ids are ids."""
    return all(
        NAME.match(name) is not None
        and len(values) == 1
        and (not name.endswith("Sid") or not values[0] or SID.match(values[0]) is not None)
        for name, values in form.lists()
    )


def first_time(request: HttpRequest, key: str) -> bool:
    """Keeps the webhook; False when it had its effect before. Twenty at once wait for the first."""
    receipt = WebhookReceipt(practice=current_practice(), key=key[:120], raw=request.POST.dict())
    WebhookReceipt.objects.bulk_create([receipt], ignore_conflicts=True)
    return WebhookReceipt.objects.filter(pk=receipt.pk).exists() or "replay" in settings.SWITCHED_OFF


@signed
def text_received(request: HttpRequest) -> HttpResponse:
    """A patient wrote to the practice's line."""
    form = request.POST
    supplier_id = form.get("MessageSid") or form.get("SmsSid") or ""
    if not supplier_id or not form.get("From"):
        return HttpResponse("MessageSid and From are required.", status=400, content_type="text/plain")
    if first_time(request, f"in:{supplier_id}"):
        inbox.receive(
            supplier_id=supplier_id,
            from_=form["From"],
            body=form.get("Body", ""),
            opt_out_type=form.get("OptOutType", "").upper(),
            media=number(form.get("NumMedia", "0")),
            pictures=pictures_of(form),
        )
    return HttpResponse(NO_REPLY, content_type="text/xml")


def number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def pictures_of(form: QueryDict) -> list[tuple[str, str]]:
    """Addresses and declared types of what came with a text."""
    places = range(min(number(form.get("NumMedia", "0")), MOST_PICTURES))
    found = [(form.get(f"MediaUrl{n}", ""), form.get(f"MediaContentType{n}", "")) for n in places]
    return [(url, declared) for url, declared in found if url]


@signed
def status_changed(request: HttpRequest, message_id: uuid.UUID) -> HttpResponse:
    """The supplier says what became of a text of ours."""
    form = request.POST
    supplier_id, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    code = form.get("ErrorCode", "")[:10]
    if not supplier_id or not status:
        words = "MessageSid and MessageStatus are required."
        return HttpResponse(words, status=400, content_type="text/plain")
    if first_time(request, f"st:{supplier_id}:{status}:{code}:{message_id.hex[-8:]}"):
        receipts.status_reported(
            message_id=message_id, supplier_id=supplier_id[:64], status=status.lower(), code=code
        )
    return HttpResponse(status=204)
