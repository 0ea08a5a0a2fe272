"""manage.py create_api_key: a program's key to one practice, shown once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from practices.apikeys import create_api_key
from practices.audit import Actor
from practices.management.commands.add_member import practice_of
from practices.models import Membership
from practices.tenancy import inside


class Command(BaseCommand):
    help = "Create an API key that acts as a member of a practice. The key is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", required=True, help="its slug")
        parser.add_argument("--user", required=True, help="the member's e-mail")
        parser.add_argument("--name", default="", help="what the key is for")

    def handle(self, *args: Any, **options: Any) -> None:
        practice = practice_of(options["practice"])
        with inside(practice):
            members = Membership.objects.active().select_related("user")
            member = members.filter(user__email__iexact=options["user"]).first()
            if member is None:
                raise CommandError(f"{options['user']} does not work for {practice.name}.")
            by = Actor(kind="system", door="command")
            _, key = create_api_key(user=member.user, name=options["name"], by=by)
        self.stderr.write("This key is shown once. Send it as “Authorization: Bearer …”.")
        self.stdout.write(key)
