"""The web server around the parts: reads requests within limits, finds who answers, drops connections."""

from __future__ import annotations

import re
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .api import MessagesApi, error
from .carrier import Carrier
from .control import Control
from .courier import Courier, shut
from .faults import DropConnection, FaultError, FaultPlan
from .ledger import Ledger, Phone
from .mail import Post
from .pages import Pages
from .settings import Settings
from .wire import BadRequest, Handler, Request, Response, problem

Route = tuple[str, re.Pattern[str], Handler]


def build_routes(api: MessagesApi, control: Control, pages: Pages) -> list[Route]:
    """Return who answers what."""
    account = r"/2010-04-01/Accounts/(?P<account>[^/]+)"
    table: Sequence[tuple[str, str, Handler]] = (
        ("GET POST", account + r"/Messages\.json", api.answer),
        ("GET POST DELETE", account + r"/Messages/(?P<sid>[^/]+)\.json", api.answer),
        ("GET", "/pretend/healthz", control.healthz),
        ("GET", "/pretend/ledger", control.list_ledger),
        ("GET", "/pretend/phones/(?P<number>[^/]+)", control.phone),
        ("POST", "/pretend/phones/(?P<number>[^/]+)", control.set_phone),
        ("POST", "/pretend/phones/(?P<number>[^/]+)/texts", control.write),
        ("GET POST", "/pretend/numbers", control.numbers),
        ("GET POST DELETE", "/pretend/faults", control.set_faults),
        ("POST", "/pretend/reset", control.reset),
        ("GET", "/pretend/mails", control.mails),
        ("GET", "/pretend/webhooks", control.webhooks),
        ("POST", "/pretend/webhooks/replay", control.replay),
        ("GET", "/", pages.home),
        ("GET", "/phones", pages.find_phone),
        ("GET", "/phones/(?P<number>[^/]+)", pages.phone),
        ("POST", "/phones/(?P<number>[^/]+)", pages.write),
        ("POST", "/phones/(?P<number>[^/]+)/kind", pages.set_kind),
        ("GET", "/mails", pages.mails),
        ("GET", "/mails/(?P<id>[0-9a-f]+)", pages.mail),
        ("GET", "/static/(?P<name>[a-z.]+)", pages.static),
    )
    return [(methods, re.compile(pattern), handler) for methods, pattern, handler in table]


class Server(ThreadingHTTPServer):
    """Listens on this machine only, and knows its open connections so that it can end at once."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, settings: Settings, routes: list[Route], stopping: threading.Event) -> None:
        self.settings = settings
        self.routes = routes
        self.stopping = stopping
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", settings.port), Exchange)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then answer it in its own thread."""
        with self._guard:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection, then close it."""
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away; show everything else."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def end(self) -> None:
        """Stop listening and end the open connections."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._guard:
            for connection in self._connections:
                shut(connection)


class Exchange(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "PretendSupplier"
    sys_version = ""
    timeout = 60
    # Without this, headers and body leave in two packets and each answer waits for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def _exchange(self) -> None:
        try:
            response = self._answer()
        except DropConnection as drop:
            self._drop(drop)
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = do_PATCH = _exchange

    def _answer(self) -> Response:
        parts = urlsplit(self.path)
        body = self._read_body()
        if body is None:
            self.close_connection = True
            return problem("the request is too large, or does not say how large it is", 413)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.command not in ("GET", "HEAD") and headers.get("sec-fetch-site") == "cross-site":
            return problem("pages of other sites may not write here", 403)
        method = "GET" if self.command == "HEAD" else self.command
        try:
            query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100))
            return self._dispatch(Request(method, unquote(parts.path), query, headers, body))
        except (BadRequest, FaultError) as refusal:
            return problem(str(refusal))
        except ValueError:
            return problem("the request cannot be understood")

    def _dispatch(self, request: Request) -> Response:
        other_methods = False
        for methods, pattern, handler in self.server.routes:
            match = pattern.fullmatch(request.path)
            if match and request.method in methods.split():
                return handler(request, match.groupdict())
            other_methods = other_methods or bool(match)
        if request.path.startswith("/2010-04-01/"):
            return error(20404, 404, f"The requested resource {request.path} was not found")
        return problem("not here", 405 if other_methods else 404)

    def _read_body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding"):
            return None
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length[:12]) > self.server.settings.body_limit:
            return None
        return self.rfile.read(int(length))

    def _drop(self, drop: DropConnection) -> None:
        """Hold the connection as long as asked, or until the client gives up; then end it unanswered."""
        self.close_connection = True
        until = time.monotonic() + drop.seconds
        while (left := until - time.monotonic()) > 0 and not self.server.stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.2))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                break
            if readable:
                self.server.stopping.wait(0.05)
        if drop.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the paths hold phone numbers."""


class Supplier:
    """The whole program: ledger, courier, web server and mail port."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stopping = threading.Event()
        self.ledger = Ledger(settings.ledger, settings.message_cap, settings.mail_cap)
        for number, facts in settings.phones.items():
            known = self.ledger.phones.get(number, Phone(number))
            kind, name = facts.get("kind", known.kind), facts.get("name", known.name)
            self.ledger.keep_phone(Phone(number, kind, name))
        self.courier = Courier(settings)
        self.carrier = Carrier(settings, self.ledger, self.courier)
        self.faults = FaultPlan()
        control = Control(self.carrier, self.faults)
        api = MessagesApi(self.carrier, self.faults, self.stopping)
        self.server = Server(settings, build_routes(api, control, Pages(self.carrier)), self.stopping)
        self.port = int(self.server.server_address[1])
        self.post = None
        if settings.smtp_port is not None:
            self.post = Post(self.ledger, settings.smtp_port, settings.mail_limit)

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
        self.courier.stop()
        if self.post is not None:
            self.post.stop()
        self.ledger.close()
