"""The e-mail with which a new colleague chooses her password."""

import copy
import logging

from allauth.account.forms import ResetPasswordForm
from allauth.core.context import request_context
from django.db import transaction
from django.http import HttpRequest

from practices.models import User

logger = logging.getLogger(__name__)


def send_invitation(request: HttpRequest, user: User) -> None:
    """After the commit, sends the link of the password page; the link itself proves the address."""

    # The e-mail is rendered after the gate has closed: what belongs to the gated page stays behind.
    outside = copy.copy(request)
    outside.__dict__.pop("admission", None)

    def send() -> None:
        form = ResetPasswordForm(data={"email": user.email})
        if form.is_valid():
            with request_context(outside):
                form.save(outside)
        else:
            logger.error("invitation of user %s not sent", user.pk)

    transaction.on_commit(send, robust=True)
