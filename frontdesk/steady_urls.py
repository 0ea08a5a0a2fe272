"""The steady card, and the page of the phones, under /p/<practice>/."""

from django.urls import path

from frontdesk.views import phones, steady

urlpatterns = [
    path("steady/", steady.steady_card, name="steady-card"),
    path("steady/reading/", steady.steady_reading, name="steady-reading"),
    path("steady/promise/", steady.steady_promise, name="steady-promise"),
    path("steady/transfer/", steady.steady_transfer, name="steady-transfer"),
    path("steady/complaint/", steady.steady_complaint, name="steady-complaint"),
    path("steady/calls/<uuid:call_id>/", steady.steady_of_call, name="steady-card"),
    path("phones/", phones.phones, name="phones"),
]
