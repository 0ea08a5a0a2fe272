"""Complaints, under /p/<practice>/complaints/."""

from django.urls import path

from messaging.views import complaints as views

ONE = "complaints/<uuid:complaint_id>/"

urlpatterns = [
    path("complaints/", views.complaints, name="complaints"),
    path(ONE, views.complaint, name="complaint"),
    path(f"{ONE}note/", views.note, name="complaint-note"),
    path(f"{ONE}take/", views.take, name="complaint-take"),
    path(f"{ONE}watch/", views.watch, name="complaint-watch"),
    path(f"{ONE}escalate/", views.escalate, name="complaint-escalate"),
    path(f"{ONE}resolve/", views.resolve, name="complaint-resolve"),
]
