"""Pages of the diary under /p/<practice>/."""

from django.urls import path

from scheduling.views import booking

urlpatterns = [
    path("book/", booking.book, name="book"),
    path("book/times/", booking.book_times, name="book-times"),
]
