"""Under /a/: urgent messages are taken here by a colleague without signing in."""

from django.urls import path

from messaging import ack_views

urlpatterns = [path("<str:token>/", ack_views.accept, name="accept-urgent")]
