"""One page of the diary's settings, as it is drawn."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from practices.access import DeskRequest


def page(request: DeskRequest, name: str, tab: str, **context: Any) -> HttpResponse:
    """A settings page; one with errors answers 422."""
    wrong = any(getattr(value, "errors", None) for value in context.values())
    template = f"scheduling/settings_{name}.html"
    return render(request, template, {"tab": tab, **context}, status=422 if wrong else 200)
