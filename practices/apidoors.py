"""The gate for the API: the same admission as the pages, for a program that holds a key."""

from typing import Any, cast

from django.db import transaction
from rest_framework.views import APIView

from practices.access import Admission
from practices.apikeys import open_practice
from practices.audit import Actor


class GatedAPIView(APIView):
    """An API door under `/api/v1/p/<slug:practice>/`: names a permission per method, or one for all.

    `permissions = {"get": "patient.view", "post": "patient.change"}`. Unknown practice, unknown or
    foreign key: 401 without a key, 404 with one that opens another practice.
    """

    permissions: dict[str, str]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with open_practice(request, kwargs.pop("practice")):
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 500:
                transaction.set_rollback(True)
            if hasattr(response, "render"):
                response.render()
            return response

    @property
    def admission(self) -> Admission:
        return cast(Admission, self.request.admission)  # type: ignore[attr-defined]

    @property
    def actor(self) -> Actor:
        return self.admission.actor
