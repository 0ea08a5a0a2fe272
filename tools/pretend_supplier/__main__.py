"""Starts the pretend supplier: ``python -m tools.pretend_supplier --help``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from . import texts
from .settings import DEMO_ACCOUNT_SID, DEMO_AUTH_TOKEN, Settings, SettingsError, pair, read_config
from .supplier import Supplier


def options() -> argparse.ArgumentParser:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="pretend_supplier", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=8025, help="port of the API and the pages (0: any free one)")
    add("--smtp-port", type=int, default=0, help="port that takes mails (0: any free one)")
    add("--no-mail", action="store_true", help="take no mails")
    add("--account-sid", help=f"account the product signs in with ({DEMO_ACCOUNT_SID})")
    add("--auth-token", help=f"its token, which also signs the webhooks ({DEMO_AUTH_TOKEN})")
    add("--number", action="append", default=[], metavar="+1503…=URL", help="a line and its webhook")
    add("--name", action="append", default=[], metavar="+1503…=NAME", help="the name of a line")
    add("--route", action="append", default=[], metavar="PUBLIC=LOCAL", help="where PUBLIC is served")
    add("--ledger", type=Path, help="file that keeps texts, phones and mails between runs")
    add("--pace", type=float, help="how long a telephone's second is here (1)")
    add("--config", type=Path, help="JSON file with numbers, phones, routes and delays")
    add("--sent-after", type=float, help="seconds until a text is sent")
    add("--delivered-after", type=float, help="seconds from there until it is delivered")
    add("--no-opt-out-replies", action="store_true", help="leave the answer to STOP to the practice")
    return parser


def read_settings(arguments: argparse.Namespace) -> Settings:
    """Turn the command line into settings; it wins over the config file."""
    settings = Settings(port=arguments.port, ledger=arguments.ledger)
    if arguments.config:
        read_config(arguments.config, settings)
    settings.smtp_port = None if arguments.no_mail else arguments.smtp_port
    settings.opt_out_replies = not arguments.no_opt_out_replies
    for name in ("account_sid", "auth_token", "sent_after", "delivered_after", "pace"):
        value = getattr(arguments, name)
        if value is not None:
            setattr(settings, name, value)
    for entry in arguments.number:
        number, url = pair(entry, "--number")
        settings.add_line(line_number(number), url=url)
    for entry in arguments.name:
        number, name = pair(entry, "--name")
        settings.add_line(line_number(number), name=name)
    settings.routes.update(pair(entry, "--route") for entry in arguments.route)
    return settings


def line_number(text: str) -> str:
    """Return the number of a line as typed, or say that it is none."""
    number = texts.typed_number(text)
    if number is None:
        raise SettingsError(f"{text!r} is not a phone number; write it like +15035550100")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal ends it."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    try:
        supplier = Supplier(read_settings(options().parse_args(arguments)))
        supplier.start()
    except (SettingsError, OSError) as error:
        print(f"The pretend supplier cannot start: {error}", file=sys.stderr)
        return 2
    mail = f", mails on 127.0.0.1:{supplier.post.port}" if supplier.post else ""
    print(f"Pretend supplier is ready at http://127.0.0.1:{supplier.port}/{mail}", flush=True)
    stop.wait()
    supplier.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
