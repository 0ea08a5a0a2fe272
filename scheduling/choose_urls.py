"""The patient's pages under /n/: choosing another time."""

from django.urls import path

from scheduling import choose_views

urlpatterns = [
    path("<str:token>/", choose_views.choose, name="choose"),
    path("<str:token>/none/", choose_views.none_suits, name="choose-none"),
    path("<str:token>/cancel/", choose_views.cancel, name="choose-cancel"),
]
