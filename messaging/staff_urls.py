"""Messages for the staff, under /p/<practice>/team/."""

from django.urls import path

from messaging import staff_views as views

urlpatterns = [
    path("team/", views.team, name="team"),
    path("team/new/", views.new, name="staff-message-new"),
    path("team/goes-to/", views.where_it_goes, name="staff-message-goes-to"),
    path("team/<uuid:staff_message_id>/", views.message, name="staff-message"),
    path("team/<uuid:staff_message_id>/accept/", views.accept, name="staff-message-accept"),
    path("team/<uuid:staff_message_id>/done/", views.done, name="staff-message-done"),
    path("team/<uuid:staff_message_id>/hand-over/", views.pass_on, name="staff-message-hand-over"),
]
