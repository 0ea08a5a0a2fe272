"""Pages of the patients, below `/p/<practice>/`."""

from django.urls import path

from patients import views

urlpatterns = [
    path("patients/", views.patients, name="patients"),
    path("patients/search/", views.search, name="patient-search"),
    path("patients/new/", views.new, name="patient-new"),
    path("patients/duplicates/", views.duplicates, name="patient-duplicates"),
    path("patients/<uuid:patient_id>/", views.record_page, name="patient"),
    path("patients/<uuid:patient_id>/edit/", views.edit, name="patient-edit"),
    path("patients/<uuid:patient_id>/consent/", views.consent, name="patient-consent"),
    path("patients/<uuid:patient_id>/access/", views.access_log, name="patient-access"),
]
