"""The practice's emergency script, wherever words may speak of an emergency."""

from django import template

from practices.card import current_card

register = template.Library()


@register.inclusion_tag("messaging/emergency.html")
def emergency_script() -> dict[str, str]:
    """The note with the script of the practice's card; put it where a possible emergency is shown."""
    return {"script": current_card().emergency}
