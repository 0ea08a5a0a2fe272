"""Requests and answers as plain values, so that the parts can be read without the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl


class BadRequest(ValueError):
    """A request that cannot be understood; its words are shown to whoever sent it."""


@dataclass(frozen=True)
class Request:
    """One HTTP request, read to its end."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def form(self) -> dict[str, str]:
        """Return the fields of a form body; a field sent twice keeps its last value."""
        try:
            text = self.body.decode("utf-8")
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=200))
        except ValueError as error:
            raise BadRequest("the form cannot be read") from error

    def values(self, name: str) -> list[str]:
        """Return every value of a form field that may be sent several times."""
        try:
            pairs = parse_qsl(self.body.decode("utf-8"), keep_blank_values=True, max_num_fields=200)
        except ValueError as error:
            raise BadRequest("the form cannot be read") from error
        return [value for key, value in pairs if key == name]

    def json(self) -> Any:
        """Return the JSON body; an empty body is an empty object."""
        try:
            return json.loads(self.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise BadRequest("the body is not JSON") from error

    def json_object(self) -> dict[str, Any]:
        """Return the JSON body, which must be an object."""
        data = self.json()
        if not isinstance(data, dict):
            raise BadRequest("the body must be a JSON object")
        return data


@dataclass
class Response:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request, dict[str, str]], Response]


def json_answer(data: Any, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    body = json.dumps(data, ensure_ascii=False).encode("utf-8")
    return Response(status, body, "application/json; charset=utf-8", dict(headers or {}))


def problem(words: str, status: int = HTTPStatus.BAD_REQUEST) -> Response:
    """Answer a control request that cannot be done, in words."""
    return json_answer({"error": words}, status)


def see_other(location: str) -> Response:
    """Send a browser on after a form."""
    return Response(HTTPStatus.SEE_OTHER, headers={"Location": location})
