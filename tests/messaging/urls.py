"""The doors of this app alone, so that its tests do not wait for the pages above."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def nowhere(request: HttpRequest, practice: str = "") -> HttpResponse:
    return HttpResponse("")


urlpatterns = [
    path("hooks/twilio/<slug:practice>/", include("messaging.hook_urls")),
    path("p/<slug:practice>/", include("messaging.urls")),
    path("p/<slug:practice>/", include("messaging.staff_urls")),
    path("a/", include("messaging.ack_urls")),
    path("p/<slug:practice>/", include("patients.urls")),  # the conversation stands on the record
    path("p/<slug:practice>/queue/", nowhere, name="queue"),
    path("api/v1/p/<slug:practice>/", include("messaging.call_api_urls")),
    path("account/", include("allauth.account.urls")),
]
