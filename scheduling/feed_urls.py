"""Calendars for programs, under /cal/."""

from django.urls import path

from scheduling import feed_views

urlpatterns = [path("<str:token>/feed.ics", feed_views.feed, name="calendar-feed")]
