"""The patient's pages under /v/."""

from django.urls import path

from scheduling import visit_views

urlpatterns = [
    path("<str:token>/", visit_views.visit, name="visit"),
    path("<str:token>/yes/", visit_views.confirm, name="visit-confirm"),
    path("<str:token>/details/", visit_views.details, name="visit-details"),
    path("<str:token>/new-time/", visit_views.new_time, name="visit-new-time"),
    path("<str:token>/none/", visit_views.none_suits, name="visit-none"),
    path("<str:token>/cancel/", visit_views.cancel, name="visit-cancel"),
    path("<str:token>/calendar/", visit_views.calendar, name="visit-calendar"),
]
