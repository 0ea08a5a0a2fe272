"""Pages of the patients, below `/p/<practice>/`."""

from django.urls import path

from patients import join_views, related_views, views, wish_views

urlpatterns = [
    path("patients/", views.patients, name="patients"),
    path("patients/search/", views.search, name="patient-search"),
    path("patients/new/", views.new, name="patient-new"),
    path("patients/duplicates/", views.duplicates, name="patient-duplicates"),
    path("patients/<uuid:patient_id>/", views.record_page, name="patient"),
    path("patients/<uuid:patient_id>/edit/", views.edit, name="patient-edit"),
    path("patients/<uuid:patient_id>/join/", join_views.join, name="patient-join"),
    path("patients/<uuid:patient_id>/consent/", views.consent, name="patient-consent"),
    path("patients/<uuid:patient_id>/related/new/", related_views.related_new, name="patient-related-new"),
    path("related/<uuid:related_id>/", related_views.related_change, name="patient-related"),
    path("related/<uuid:related_id>/end/", related_views.related_end, name="patient-related-end"),
    path("patients/<uuid:patient_id>/wishes/new/", wish_views.wish_new, name="patient-wish-new"),
    path("wishes/<uuid:wish_id>/end/", wish_views.wish_end, name="patient-wish-end"),
    path("patients/<uuid:patient_id>/flags/new/", related_views.flag_new, name="patient-flag-new"),
    path("flags/<uuid:flag_id>/down/", related_views.flag_down, name="patient-flag-down"),
    path("patients/<uuid:patient_id>/access/", views.access_log, name="patient-access"),
]
