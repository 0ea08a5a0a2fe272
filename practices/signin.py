"""The sign-in form: after the screen was locked it knows whose desk it is and waits for the password."""

from typing import Any

from allauth.account.forms import LoginForm

LOCKED = "locked_by"  # session key: the address of the person who locked, nothing else of her


class SignInForm(LoginForm):  # type: ignore[misc]
    """allauth's form with the caret where typing begins."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        locked_by = self.request.session.get(LOCKED, "") if self.request is not None else ""
        if locked_by:
            self.fields["login"].initial = locked_by
        self.fields["password" if locked_by else "login"].widget.attrs["autofocus"] = True
