"""The API of the patients, below `/api/v1/p/<practice>/`."""

from django.urls import path

from patients import api

urlpatterns = [
    path("patients/", api.Patients.as_view(), name="api-patients"),
    path("patients/search/", api.PatientSearch.as_view(), name="api-patient-search"),
    path("patients/<uuid:patient_id>/", api.PatientRecord.as_view(), name="api-patient"),
]
