"""How the API's description speaks of keys."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerKey(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Bearer fd_…`, from `manage.py create_api_key`."""

    target_class = "practices.apikeys.ApiKeyAuthentication"
    name = "Practice key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of one practice, from `manage.py create_api_key`.",
        }
