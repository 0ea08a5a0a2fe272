"""The waitlist's doors for programs, below /api/v1/p/<practice>/."""

from django.urls import path

from scheduling import waitlist_api as api

urlpatterns = [
    path("waitlist/", api.Entries.as_view(), name="api-waitlist"),
    path("waitlist/<uuid:entry_id>/", api.OneEntry.as_view(), name="api-waitlist-entry"),
    path("waitlist/<uuid:entry_id>/remove/", api.RemoveEntry.as_view(), name="api-waitlist-remove"),
    path("openings/", api.Openings.as_view(), name="api-openings"),
    path("openings/<uuid:opening_id>/", api.OneOpening.as_view(), name="api-opening"),
    path("openings/<uuid:opening_id>/offers/", api.OfferOpening.as_view(), name="api-opening-offers"),
    path("openings/<uuid:opening_id>/close/", api.CloseOpening.as_view(), name="api-opening-close"),
    path("openings/<uuid:opening_id>/award/", api.AwardOpening.as_view(), name="api-opening-award"),
    path("offers/<uuid:offer_id>/accept/", api.AcceptOffer.as_view(), name="api-offer-accept"),
    path("offers/<uuid:offer_id>/decline/", api.DeclineOffer.as_view(), name="api-offer-decline"),
]
