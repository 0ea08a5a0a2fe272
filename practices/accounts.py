"""allauth's adapter: nobody registers alone, and sign-ins leave their trace."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnly(DefaultAccountAdapter):
    """People are added by `manage.py invite` or a manager, never by a public form."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
