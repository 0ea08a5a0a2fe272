"""The e-mail with which a new colleague chooses her password."""

import logging

from allauth.account.forms import ResetPasswordForm
from django.db import transaction
from django.http import HttpRequest

from practices.models import User

logger = logging.getLogger(__name__)


def send_invitation(request: HttpRequest, user: User) -> None:
    """After the commit, sends the link of the password page; the link itself proves the address."""

    def send() -> None:
        form = ResetPasswordForm(data={"email": user.email})
        if form.is_valid():
            form.save(request)
        else:
            logger.error("invitation of user %s not sent", user.pk)

    transaction.on_commit(send, robust=True)
