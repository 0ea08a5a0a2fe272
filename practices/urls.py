"""Settings of a practice, for managers, under `/p/<practice>/settings/`."""

from django.urls import path

from practices import card_views, place_views, views

urlpatterns = [
    path("settings/", views.details, name="practice-settings"),
    path("settings/hours/", views.hours, name="practice-hours"),
    path("settings/closures/", views.closure_add, name="closure-add"),
    path("settings/closures/<uuid:closure_id>/remove/", views.closure_remove, name="closure-remove"),
    path("settings/holidays/", place_views.holidays, name="settings-holidays"),
    path("settings/places/", place_views.places, name="settings-places"),
    path("settings/places/<uuid:location_id>/", place_views.places, name="settings-place"),
    path("settings/places/<uuid:location_id>/rooms/", place_views.rooms, name="settings-rooms"),
    path("settings/places/<uuid:location_id>/rooms/<uuid:room_id>/", place_views.rooms, name="settings-room"),
    path("settings/card/", card_views.edit, name="card-edit"),
    path("settings/card/versions/", card_views.earlier, name="card-versions"),
    path("settings/card/versions/<int:card_version>/", card_views.version, name="card-version"),
    path("settings/card/versions/<int:card_version>/back/", card_views.go_back, name="card-back"),
    path("settings/people/", views.people, name="practice-people"),
    path("settings/people/<uuid:membership_id>/", views.person, name="practice-person"),
]
