"""The whole pretend supplier, put together: ledger, courier, exchange, web server and mail port."""

from __future__ import annotations

import threading

from .api import Doors, MessagesApi
from .call_api import CallsApi
from .call_control import CallControl
from .call_pages import CallPages
from .carrier import Carrier
from .control import Control
from .courier import Courier
from .faults import FaultPlan
from .ledger import Ledger, Phone, known
from .mail import Post
from .mail_out import MailOut
from .mail_pages import MailPages
from .pages import Pages
from .room_api import MediaApi, RoomsApi
from .rooms import Rooms
from .script import Script
from .server import Route, Server, api_routes, compiled, control_routes, page_routes
from .settings import Settings
from .switchboard import Switchboard


class Supplier:
    """The whole program."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stopping = threading.Event()
        self.ledger = Ledger(settings.ledger, settings.message_cap, settings.mail_cap)
        for number, facts in settings.phones.items():
            before = vars(self.ledger.phones.get(number, Phone(number)))
            self.ledger.keep_phone(Phone(**before | known(Phone, facts)))
        self.courier = Courier(settings)
        self.carrier = Carrier(settings, self.ledger, self.courier)
        self.exchange = Switchboard(settings, self.ledger, self.courier)
        self.faults = FaultPlan()
        self.server = Server(settings, self._routes(), self.stopping)
        self.port = int(self.server.server_address[1])
        settings.base_url = settings.base_url or f"http://127.0.0.1:{self.port}"
        self.post = None
        if settings.smtp_port is not None:
            self.post = Post(self.ledger, settings.smtp_port, settings.mail_limit)

    def _routes(self) -> list[Route]:
        rooms = Rooms(self.exchange)
        self.exchange.follow = Script(self.exchange, rooms).follow
        doors = Doors(self.settings, self.faults, self.stopping)
        calls, mails = CallsApi(doors, self.exchange), MailOut(self.settings, self.ledger)
        call_pages = CallPages(self.exchange)
        return compiled(
            api_routes(
                MessagesApi(self.carrier, doors),
                calls,
                RoomsApi(doors, calls, rooms),
                MediaApi(doors, rooms, self.carrier),
            ),
            control_routes(
                Control(self.carrier, self.faults, self.exchange.board.clear),
                CallControl(self.exchange, call_pages, mails),
            ),
            page_routes(Pages(self.carrier, call_pages), call_pages, MailPages(self.ledger, mails)),
        )

    def start(self) -> None:
        """Open both ports and let texts travel on that were under way."""
        try:
            if self.post is not None:
                self.post.start()
        except OSError:
            self.server.server_close()
            raise
        self.courier.start()
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.carrier.resume()

    def stop(self) -> None:
        """End everything; what the ledger file holds stays."""
        self.server.end()
        self.exchange.board.clear()
        self.courier.stop()
        if self.post is not None:
            self.post.stop()
        self.ledger.close()
