"""Pages of a clinician who is out, and of links with times to choose, under /p/<practice>/."""

from django.urls import path

from scheduling.views import out, send_times

urlpatterns = [
    path("out/", out.out, name="out"),
    path("out/<uuid:case_id>/", out.case, name="out-case"),
    path("out/<uuid:case_id>/send/", out.send, name="out-send"),
    path("out/<uuid:case_id>/add/", out.add, name="out-add"),
    path("out/<uuid:case_id>/take-back/", out.take_back, name="out-take-back"),
    path("out/<uuid:case_id>/visits/<uuid:request_id>/", out.plan, name="out-plan"),
    path("out/<uuid:case_id>/visits/<uuid:request_id>/called/", out.called, name="out-called"),
    path("appointments/<uuid:appointment_id>/send-times/", send_times.send, name="appointment-send-times"),
]
