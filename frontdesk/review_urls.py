"""The two reviews and the clinician's day, under `/p/<practice>/`."""

from django.urls import path

from frontdesk.views import day, reviews

urlpatterns = [
    path("morning/", reviews.morning, name="morning"),
    path("morning/text-all/", reviews.text_all, {"kind": "morning"}, name="morning-text-all"),
    path("morning/brief/", reviews.brief, name="brief-send"),
    path("wrap/", reviews.wrap, name="wrap"),
    path("wrap/text-all/", reviews.text_all, {"kind": "evening"}, name="wrap-text-all"),
    path("wrap/owners/<str:check>/", reviews.owners, name="finding-owners"),
    path("wrap/note/", reviews.note, name="handover-note"),
    path("wrap/close/", reviews.close, name="wrap-close"),
    path("reviews/<str:kind>/start/", reviews.start, name="review-start"),
    path("reviews/<uuid:finding_id>/settle/", reviews.settle, name="finding-settle"),
    path("reviews/<uuid:finding_id>/text/", reviews.text, name="finding-text"),
    path("reviews/<uuid:finding_id>/call/", reviews.call, name="finding-call"),
    path("reviews/<uuid:finding_id>/stage/", reviews.stage, name="finding-stage"),
    path("reviews/<uuid:finding_id>/owner/", reviews.owner, name="finding-owner"),
    path("reviews/<uuid:finding_id>/done/", reviews.done, name="finding-done"),
    path("handover/<uuid:handover_id>/read/", reviews.read, name="handover-read"),
    path("day/", day.day, name="day"),
    path("day/<uuid:appointment_id>/stage/", day.stage, name="day-stage"),
]
