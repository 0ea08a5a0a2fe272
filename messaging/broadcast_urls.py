"""Messages to many, under /p/<practice>/broadcasts/."""

from django.urls import path

from messaging import broadcast_views as views

urlpatterns = [
    path("", views.new, name="broadcasts"),
    path("<uuid:broadcast_id>/", views.one, name="broadcast"),
    path("<uuid:broadcast_id>/send/", views.send, name="broadcast-send"),
    path("<uuid:broadcast_id>/stop/", views.stop, name="broadcast-stop"),
]
