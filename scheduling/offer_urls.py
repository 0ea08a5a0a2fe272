"""The patient's pages of an offered time, under /o/."""

from django.urls import path

from scheduling import offer_views

urlpatterns = [
    path("<str:token>/", offer_views.offer, name="offer"),
    path("<str:token>/yes/", offer_views.yes, name="offer-yes"),
    path("<str:token>/no/", offer_views.no, name="offer-no"),
    path("<str:token>/stop/", offer_views.stop, name="offer-stop"),
    path("<str:token>/details/", offer_views.details, name="offer-details"),
]
