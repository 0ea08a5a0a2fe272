"""Template tags of the desk's pages: icons, monograms and the parts of a name that may show."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from practices.access import allows
from practices.card import YOUR_NAME
from practices.models import Membership

register = template.Library()


@register.filter
def may(membership: Membership | None, permission: str) -> bool:
    """{% if membership|may:"appointment.overbook" %}: whether this person may do it here."""
    return membership is not None and allows(membership, permission)


@lru_cache(maxsize=1)
def _sprite() -> str:
    # A hashed address costs a look into the manifest; a board of 300 cards draws a thousand icons.
    return static("icons.svg")


@lru_cache(maxsize=1024)
def _drawing(name: str, size: int, label: str) -> SafeString:
    spoken = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    sized = f"i i{size}" if size else "i"
    return format_html('<svg class="{}" {}><use href="{}#{}"></use></svg>', sized, spoken, _sprite(), name)


@register.simple_tag
def icon(name: str, size: int = 0, label: str = "") -> SafeString:
    """An icon of the sprite `static/icons.svg` as inline SVG.

    `size` is in CSS pixels and must have its class in css/base.css (9, 11 to 24, 28, 32); without it
    the component around the icon decides (`--is`), else it is 16.
    Without a `label` the icon is hidden from screen readers: words beside it carry the meaning.
    """
    return _drawing(name, size, label)


@register.filter
def said_by(greeting: str, name: str) -> str:
    """A practice's greeting with the name of the person who says it."""
    return greeting.replace(YOUR_NAME, name)


@register.filter
def initials(name: str) -> str:
    """At most two capitals of a name, for a monogram: "Priya Raman, NP" gives "PR"."""
    words = [word for word in name.split(",")[0].split() if word[:1].isalpha() and not word.endswith(".")]
    if not words:
        return name[:1].upper()
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def _of(practice: object, name: str) -> Any:
    return practice.get(name) if isinstance(practice, Mapping) else getattr(practice, name, None)


@register.simple_tag
def monogram(practice: object, size: str = "") -> SafeString:
    """The coloured letters of a practice, the only place where its colour appears.

    Takes a Practice or a mapping with `name`, `monogram`, `colour` (0 to 7); `size` is empty, sm, md or lg.
    """
    letters = _of(practice, "monogram") or initials(str(_of(practice, "name") or "Front Desk"))
    colour = int(_of(practice, "colour") or 0) % 8
    classes = f"mono {size} p-{colour}".replace("  ", " ")
    return format_html('<span class="{}" aria-hidden="true">{}</span>', classes, letters)


@register.filter
def control(field: BoundField) -> SafeString:
    """A form field's control in the look of the desk, tied to the texts under it for screen readers.

    A field without errors is not yet invalid: `aria-invalid` appears with the first error only.
    """
    widget = field.field.widget
    attrs: dict[str, str | bool] = {}
    own_class = str(widget.attrs.get("class", ""))
    if not isinstance(widget, CheckboxInput | RadioSelect | CheckboxSelectMultiple):
        attrs["class"] = f"in {own_class}".strip()
    described = [f"{field.auto_id}_helptext"] if field.help_text else []
    if field.errors:
        attrs["aria-invalid"] = "true"
        described.append(f"{field.auto_id}_error")
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attrs)
