"""Under /all/: what one person sees of all her practices at once."""

from django.urls import URLPattern, URLResolver, path

from frontdesk.views import all_inbox, all_today, streams, strip

urlpatterns: list[URLPattern | URLResolver] = [
    path("calls/", strip.all_calls, name="all-calls"),
    path("inbox/", all_inbox.all_inbox, name="all-inbox"),
    path("today/", all_today.all_today, name="all-today"),
    path("live/", streams.stream, name="all-live"),
]
