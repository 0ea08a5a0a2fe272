"""manage.py receive_mail: takes the mails of patients from the practices' relays."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from messaging.mailroom import receiver


class Command(BaseCommand):
    """Listens until it is told to stop (SIGTERM, Ctrl-C)."""

    help = "Receives mail for the practices' addresses by SMTP, from the configured relays only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--listen", default="", help="host:port; MAIL_LISTEN when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        host, _, port = (options["listen"] or settings.MAIL_LISTEN).rpartition(":")
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        server = receiver(host or "127.0.0.1", int(port))
        server.start()
        self.stdout.write(f"Mail is taken at {server.hostname}:{server.port}.")
        try:
            ended.wait()
        finally:
            server.stop()
