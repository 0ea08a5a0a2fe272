"""Calls at the desk, under /p/<practice>/."""

from django.urls import path

from frontdesk.views import call_controls, calls, numbers

URL = "calls/<uuid:call_id>/"
STEER = ("answer", "hold", "resume", "end", "finish")

urlpatterns = [
    path("my-numbers/", numbers.own_numbers, name="own-numbers"),
    path("calls/log/", calls.log, name="call-log"),
    path("calls/dial/", calls.dial, name="call-dial"),
    path("calls/dial/<uuid:conversation_id>/", calls.dial, name="call-dial"),
    path(URL, calls.call, name="call"),
    path(f"{URL}note/", calls.note, name="call-note"),
    path(f"{URL}about/", calls.describe, name="call-describe"),
    path(f"{URL}patient/", calls.patient, name="call-patient"),
    path(f"{URL}search/", calls.search, name="call-search"),
    path(f"{URL}transfer/", call_controls.transfer, name="call-transfer"),
    path(f"{URL}keep-place/", call_controls.keep_place, name="call-keep-place"),
    *(path(f"{URL}{verb}/", call_controls.steer, {"verb": verb}, name=f"call-{verb}") for verb in STEER),
]
