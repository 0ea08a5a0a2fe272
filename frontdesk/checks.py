"""What production refuses to start with (SECURITY.md F5); `manage.py check --deploy` says the same."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from practices.encryption import parse_keys

DEFAULT_SECRETS = ("change-me", "insecure", "local-only", "django-insecure")


@register(Tags.security)
def production_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Errors of settings that no production may run with; nothing to say in demo and tests."""
    if not settings.PRODUCTION:
        return []
    findings = [
        (settings.DEBUG, "DEBUG is on.", "frontdesk.E001"),
        (weak_secret(settings.SECRET_KEY), "SECRET_KEY is short or a default.", "frontdesk.E002"),
        (not settings.PUBLIC_URL.startswith("https://"), "PUBLIC_URL is not https.", "frontdesk.E003"),
        (bool(settings.SWITCHED_OFF), "A protection is switched off.", "frontdesk.E004"),
        (bad_keys(), "FIELD_KEYS or BLIND_INDEX_KEY is missing or malformed.", "frontdesk.E005"),
        (not settings.TWILIO_AUTH_TOKEN, "TWILIO_AUTH_TOKEN is missing.", "frontdesk.E006"),
        (
            bool(settings.TWILIO_BASE_URL) and not settings.TWILIO_BASE_URL.startswith("https://"),
            "TWILIO_BASE_URL is not https.",
            "frontdesk.E007",
        ),
        (
            # Asked before a slow send has ended, the supplier's list does not show it: a second one goes.
            settings.DELIVERY_GRACE_SECONDS < 2 * settings.TWILIO_TIMEOUT_SECONDS,
            "DELIVERY_GRACE_SECONDS is shorter than twice TWILIO_TIMEOUT_SECONDS.",
            "frontdesk.E008",
        ),
    ]
    return [Error(message, id=number) for wrong, message, number in findings if wrong]


def weak_secret(secret: str) -> bool:
    return len(secret) < 40 or any(word in secret for word in DEFAULT_SECRETS)


def bad_keys() -> bool:
    try:
        return not parse_keys(settings.FIELD_KEYS) or not settings.BLIND_INDEX_KEY
    except ImproperlyConfigured:
        return True


def role_above_row_security() -> str | None:
    """Why the database role of this process may not be used, or None."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        superuser, bypasses = cursor.fetchone()
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relowner = current_user::regrole)"
        )
        (owns,) = cursor.fetchone()
    if superuser or bypasses:
        return "The database role of DATABASE_URL is not bound by row security."
    if owns:
        return "The database role of DATABASE_URL owns tables: use the running role, not the migrating one."
    return None


def refuse_unsafe_start() -> None:
    """Raises ImproperlyConfigured where production must not start; called by web and worker."""
    if not settings.PRODUCTION:
        return
    errors = [str(error.msg) for error in production_settings(None)]
    if role := role_above_row_security():
        errors.append(role)
    if errors:
        raise ImproperlyConfigured("Front Desk does not start: " + " ".join(errors))
