"""Every door of the house, in the order of its floors."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from frontdesk.views import card, desk, queue
from practices.access import public_door

practice_pages: list[URLPattern | URLResolver] = [
    path("", desk.practice_home, name="practice-home"),
    path("queue/", queue.queue, name="queue"),
    path("card/", card.card, name="card"),
    path("", include("frontdesk.board_urls")),
    path("", include("frontdesk.call_urls")),
    path("", include("frontdesk.review_urls")),
    path("", include("scheduling.urls")),
    path("", include("scheduling.out_urls")),
    path("settings/", include("scheduling.settings_urls")),
    path("", include("messaging.urls")),
    path("", include("messaging.staff_urls")),
    path("settings/", include("messaging.staff_settings_urls")),
    path("broadcasts/", include("messaging.broadcast_urls")),
    path("", include("messaging.identity_urls")),
    path("", include("messaging.complaint_urls")),
    path("", include("frontdesk.steady_urls")),
    path("", include("patients.urls")),
    path("", include("practices.urls")),
]

practice_api: list[URLPattern | URLResolver] = [
    path("", include("scheduling.api_urls")),
    path("", include("scheduling.waitlist_api_urls")),
    path("", include("patients.api_urls")),
    path("", include("messaging.api_urls")),
    path("", include("messaging.staff_api_urls")),
    path("", include("messaging.call_api_urls")),
]

schema = public_door("describes the API, holds no data")

urlpatterns = [
    path("", desk.home, name="home"),
    path("healthz", desk.healthz, name="healthz"),
    path("preferences/", desk.preferences, name="preferences"),
    path("still-here/", desk.still_here, name="still-here"),
    path("lock/", desk.lock, name="lock"),
    path("account/", include("allauth.account.urls")),
    path("p/<slug:practice>/", include(practice_pages)),
    path("all/", include("frontdesk.all_urls")),
    path("v/", include("scheduling.visit_urls")),
    path("cal/", include("scheduling.feed_urls")),
    path("f/", include("scheduling.due_urls")),
    path("n/", include("scheduling.choose_urls")),
    path("o/", include("scheduling.offer_urls")),
    path("a/", include("messaging.ack_urls")),
    path("hooks/twilio/<slug:practice>/", include("messaging.hook_urls")),
    path("api/v1/p/<slug:practice>/", include(practice_api)),
    path("api/schema/", schema(SpectacularAPIView.as_view()), name="schema"),
    path("api/", schema(SpectacularSwaggerSplitView.as_view(url_name="schema")), name="api-docs"),
    path("platform-support/", admin.site.urls),
]
