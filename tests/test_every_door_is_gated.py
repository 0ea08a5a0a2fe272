"""Walks the URL map: each door names a permission, or says why it needs none."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from practices.access import PERMISSIONS, everywhere, public_door, requires
from practices.apidoors import GatedAPIView

# Doors of libraries: signing in and out, and the platform's own admin (staff only, no patients).
OTHER_HOUSES = ("account/", "platform-support/")


def doors(resolver=None, prefix=""):
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from doors(pattern, route)
        else:
            yield pytest.param(pattern, route, id=route)


def complaint(pattern: URLPattern, route: str) -> str | None:
    """What is wrong with a door, or None."""
    view = pattern.callback
    if getattr(view, "public_door", None):
        return None
    if route.startswith("all/") and getattr(view, "everywhere", False):
        return None if view.permission in PERMISSIONS else "has no permission"
    if "<slug:practice>" not in route:
        return "is outside a practice and not marked public"
    view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if view_class is None:
        return None if getattr(view, "permission", None) in PERMISSIONS else "has no permission"
    if not issubclass(view_class, GatedAPIView):
        return "is a class that is not gated"
    methods = {m for m in ("get", "post", "put", "patch", "delete") if hasattr(view_class, m)}
    if not methods <= set(view_class.permissions):
        return f"names no permission for {methods - set(view_class.permissions)}"
    return None if set(view_class.permissions.values()) <= set(PERMISSIONS) else "names an unknown permission"


@pytest.mark.parametrize(("pattern", "route"), doors())
def test_the_door_is_gated(pattern, route):
    if route.startswith(OTHER_HOUSES):
        return
    assert complaint(pattern, route) is None


def test_a_door_without_a_permission_is_found():
    """The control: the walk really notices."""

    def forgotten(request):
        return None

    inside_practice = "p/<slug:practice>/forgotten/"
    from django.urls import path

    assert complaint(path("forgotten/", forgotten), inside_practice) == "has no permission"
    assert complaint(path("forgotten/", forgotten), "forgotten/") is not None
    assert complaint(path("forgotten/", requires("desk.view")(forgotten)), inside_practice) is None
    assert complaint(path("forgotten/", requires("desk.view")(forgotten)), "all/forgotten/") is not None
    assert complaint(path("forgotten/", everywhere("desk.view")(forgotten)), "all/forgotten/") is None
    assert complaint(path("forgotten/", everywhere("desk.view")(forgotten)), "forgotten/") is not None
    assert complaint(path("forgotten/", public_door("a reason")(forgotten)), "forgotten/") is None


def test_a_permission_that_does_not_exist_cannot_be_asked_for():
    with pytest.raises(KeyError):
        requires("board.burn")
