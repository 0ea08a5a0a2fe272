"""Under /all/: what one person sees of all her practices at once."""

from django.urls import URLPattern, URLResolver, path

from frontdesk.views import streams

urlpatterns: list[URLPattern | URLResolver] = [
    path("live/", streams.stream, name="all-live"),
]
