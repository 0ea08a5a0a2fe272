"""Every door of the product, and one that does nothing."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from frontdesk.urls import urlpatterns as product


def empty(request: HttpRequest) -> HttpResponse:
    """Nothing but the server, the framework and its middleware."""
    return HttpResponse("ok")


urlpatterns = [path("empty", empty), *product]
