"""API errors as problem details (RFC 9457): `application/problem+json` with the fields at fault."""

from typing import Any

from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler


class Problem(exceptions.APIException):
    """A refusal with members of its own beside `title`, `detail` and `status`."""

    def __init__(self, status: int, title: str, detail: str, **members: Any) -> None:
        self.status_code = status
        self.title = title
        self.members = members
        super().__init__(detail)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answers what DRF understands; anything else stays an error 500 of the server."""
    response = drf_handler(error, context)
    if response is None:
        return None
    body: dict[str, Any] = {"type": "about:blank", "status": response.status_code}
    if isinstance(error, Problem):
        body |= {"title": error.title, "detail": str(error.detail), **error.members}
    elif isinstance(error, exceptions.ValidationError):
        body |= {
            "title": "Some fields need another look.",
            "detail": "See errors for each field.",
            "errors": flatten(error.detail),
        }
    elif isinstance(error, (Http404, exceptions.NotFound)):
        body |= {"title": "Not found", "detail": "There is nothing here."}
    else:
        detail = getattr(error, "detail", "")
        body |= {"title": str(getattr(error, "default_detail", "Refused")), "detail": str(detail)}
    response.data = body
    response.content_type = "application/problem+json"
    return response


def flatten(detail: Any, path: str = "") -> list[dict[str, str]]:
    """Nested validation errors as a list of {field, message}."""
    if isinstance(detail, dict):
        return [row for key, value in detail.items() for row in flatten(value, f"{path}.{key}".lstrip("."))]
    if isinstance(detail, list):
        rows: list[dict[str, str]] = []
        for position, value in enumerate(detail):
            deeper = isinstance(value, (dict, list))
            rows += flatten(value, f"{path}.{position}".lstrip(".") if deeper else path)
        return rows
    return [{"field": path or "non_field_errors", "message": str(detail)}]
