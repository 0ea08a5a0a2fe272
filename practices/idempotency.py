"""A program's request that comes twice has its effect once, and the same answer twice.

The row of the key is written in the request's own transaction: a second request with the key waits at the
unique constraint until the first has ended, and then finds its answer, or nothing and does the work itself.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any, cast

from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from practices.apidoors import GatedAPIView
from practices.models import ApiKey, IdempotencyKey
from practices.problems import Problem
from practices.tenancy import current_practice

HEADER = "Idempotency-Key"
LONGEST_KEY = 255


def answer_once(view: GatedAPIView, act: Callable[[], Response]) -> Response:
    """The answer of `act`, or the one that was given when this key came first.

    Without an `Idempotency-Key` header just acts. Raises Problem 400 for a key that is none, 422 for a
    key that came with another request.
    """
    key = view.request.headers.get(HEADER)
    if key is None:
        return act()
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise Problem(400, "Bad Idempotency-Key", f"Send 1 to {LONGEST_KEY} printable characters.")
    row = _row(view, key)
    IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
    stored = IdempotencyKey.objects.select_for_update().get(api_key=row.api_key, key_hash=row.key_hash)
    if stored.pk == row.pk:
        return _act_and_keep(view, stored, act)
    if stored.fingerprint != row.fingerprint:
        raise Problem(
            422, "Idempotency-Key used before", "This key came with another request: take a new one."
        )
    return _again(stored)


def _row(view: GatedAPIView, key: str) -> IdempotencyKey:
    request = view.request
    asked = json.dumps([request.method, request.path, request.data], sort_keys=True, default=str)
    return IdempotencyKey(
        practice=current_practice(),
        api_key=cast(ApiKey, request.auth),
        key_hash=hashlib.sha256(key.encode()).hexdigest(),
        fingerprint=hashlib.sha256(asked.encode()).hexdigest(),
    )


def _act_and_keep(view: GatedAPIView, row: IdempotencyKey, act: Callable[[], Response]) -> Response:
    try:
        response = act()
    except exceptions.APIException as refusal:
        response = view.handle_exception(refusal)
    row.status = response.status_code
    row.answer = json.loads(JSONRenderer().render(response.data))
    row.save(update_fields=["status", "answer"])
    return response


def _again(row: IdempotencyKey) -> Response:
    answer: Any = row.answer
    status = row.status or 500
    kind = "application/problem+json" if status >= 400 else None
    return Response(answer, status=status, headers={"Idempotent-Replayed": "true"}, content_type=kind)
