"""Lists in the supplier's shape: pages with the addresses of the next and the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from .wire import Request

Item = TypeVar("Item")


def page_of(
    request: Request,
    name: str,
    found: Sequence[Item],
    sid_of: Callable[[Item], str],
    as_api: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """Return the page of a list that a request asks for; ValueError when it asks for none there is."""
    query = request.query
    size = max(1, min(1000, int(query.get("PageSize", "50"))))
    page = max(0, int(query.get("Page", "0")))
    start = page * size
    if (anchor := query.get("PageToken", "").removeprefix("PA")) != "":
        sids = [sid_of(one) for one in found]
        start = sids.index(anchor) + 1 if anchor in sids else start
    shown = found[start : start + size]
    wishes = {key: value for key, value in query.items() if key not in ("Page", "PageToken", "PageSize")}

    def uri(number: int, token: str = "") -> str:
        tail = {"PageToken": token} if token else {}
        return f"{request.path}?{urlencode({**wishes, 'PageSize': size, 'Page': number, **tail})}"

    more = start + size < len(found)
    return {
        "end": max(0, start + len(shown) - 1),
        "first_page_uri": uri(0),
        name: [as_api(one) for one in shown],
        "next_page_uri": uri(page + 1, "PA" + sid_of(shown[-1])) if more else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": uri(page - 1) if page else None,
        "start": start,
        "uri": uri(page),
    }
