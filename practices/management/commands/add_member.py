"""manage.py add_member: lets a person work for a practice."""

import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from practices.administration import NotAllowed, add_member
from practices.audit import Actor
from practices.models import Membership, Practice, Role
from practices.tenancy import inside


class Command(BaseCommand):
    help = "Let a person work for a practice. Without --password-prompt she uses “Forgot your password?”."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", required=True, help="its slug")
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--role", required=True, action="append", choices=Role.values, help="may be repeated"
        )
        parser.add_argument("--given-name", default="")
        parser.add_argument("--family-name", default="")
        parser.add_argument("--password-prompt", action="store_true", help="ask for a password and set it")

    def handle(self, *args: Any, **options: Any) -> None:
        practice = practice_of(options["practice"])
        try:
            validate_email(options["email"])
        except ValidationError:
            raise CommandError(f"{options['email']} is not an e-mail address.") from None
        password = ask_twice() if options["password_prompt"] else None
        with inside(practice):
            membership = self.add(options)
            if password:
                membership.user.set_password(password)
                membership.user.save(update_fields=["password"])
        self.stdout.write(
            f"{membership.user.email} works for {practice.name} as {', '.join(membership.roles)}."
        )

    def add(self, options: dict[str, Any]) -> Membership:
        try:
            membership, _ = add_member(
                email=options["email"],
                roles=options["role"],
                given_name=options["given_name"],
                family_name=options["family_name"],
                by=Actor(kind="system", door="command"),
            )
        except NotAllowed as refusal:
            raise CommandError(str(refusal)) from None
        return membership


def practice_of(slug: str) -> Practice:
    """The practice of a slug, or words that name the known ones."""
    practice = Practice.objects.filter(slug=slug).first()
    if practice is None:
        known = ", ".join(Practice.objects.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no practice “{slug}”. Known: {known}.")
    return practice


def ask_twice() -> str:
    """A password that the rules accept, typed twice."""
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Again: "):
        raise CommandError("The two passwords differ. Nothing was changed.")
    try:
        validate_password(password)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return password
