"""The patient's page to choose a time, under /f/."""

from django.urls import path

from scheduling import due_views

urlpatterns = [path("<str:token>/", due_views.due, name="due")]
