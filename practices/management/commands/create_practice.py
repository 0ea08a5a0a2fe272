"""manage.py create_practice: a new practice, with words for what is wrong with it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import slugify

from practices.administration import create_practice
from practices.audit import Actor


class Command(BaseCommand):
    help = "Create a practice. Give its members with add_member afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="as people say it: Harbor Street")
        parser.add_argument("--slug", help="its word in addresses; made of the name if left out")
        parser.add_argument("--time-zone", required=True, help="like America/New_York")
        parser.add_argument("--line-number", required=True, help="the number patients call and text")
        parser.add_argument("--email-sender", required=True, help="where its e-mail comes from")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            practice = create_practice(
                name=options["name"].strip(),
                slug=options["slug"] or slugify(options["name"]),
                time_zone=options["time_zone"],
                line_number=options["line_number"],
                email_sender=options["email_sender"],
                by=Actor(kind="system", door="command"),
            )
        except ValidationError as error:
            raise CommandError("\n".join(in_words(error))) from None
        self.stdout.write(
            f"{practice.name} is at /p/{practice.slug}/. Next: add_member --practice {practice.slug}"
        )


def in_words(error: ValidationError) -> list[str]:
    """One line for each argument that is wrong."""
    return [
        f"--{name.replace('_', '-')}: {' '.join(texts)}" if name != "__all__" else " ".join(texts)
        for name, texts in error.message_dict.items()
    ]
