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
from .call_api import CallsApi
from .call_control import CallControl
from .call_pages import CallPages
from .control import Control
from .courier import shut
from .faults import DropConnection, FaultError
from .mail_pages import MailPages
from .pages import Pages
from .room_api import MediaApi, RoomsApi
from .settings import Settings
from .wire import BadRequest, Handler, Request, Response, problem

Route = tuple[str, re.Pattern[str], Handler]


def api_routes(
    messages: MessagesApi, calls: CallsApi, rooms: RoomsApi, media: MediaApi
) -> Sequence[tuple[str, str, Handler]]:
    """Return the doors of the supplier's own API."""
    account = r"/2010-04-01/Accounts/(?P<account>[^/]+)"
    room = account + r"/Conferences/(?P<sid>[^/]+)"
    return (
        ("GET POST", account + r"/Messages\.json", messages.answer),
        ("GET", account + r"/Messages/(?P<message>[^/]+)/Media\.json", media.all_media),
        (
            "GET DELETE",
            account + r"/Messages/(?P<message>[^/]+)/Media/(?P<sid>[^/.]+)(?P<kind>(\.json)?)",
            media.media,
        ),
        ("GET POST DELETE", account + r"/Messages/(?P<sid>[^/]+)\.json", messages.answer),
        ("GET POST", account + r"/Calls\.json", calls.answer),
        ("GET", account + r"/Calls/(?P<call>[^/]+)/Recordings\.json", media.recordings),
        ("GET POST DELETE", account + r"/Calls/(?P<sid>[^/]+)\.json", calls.answer),
        ("GET", account + r"/Conferences\.json", rooms.answer),
        ("GET POST", room + r"/Participants\.json", rooms.participants),
        ("GET POST DELETE", room + r"/Participants/(?P<call>[^/]+)\.json", rooms.participant),
        ("GET POST", account + r"/Conferences/(?P<sid>[^/]+)\.json", rooms.answer),
        ("GET", account + r"/Recordings\.json", media.recordings),
        (
            "GET DELETE",
            account + r"/Recordings/(?P<sid>[^/.]+)(?P<kind>(\.json|\.mp3|\.wav)?)",
            media.recording,
        ),
    )


def control_routes(control: Control, calls: CallControl) -> Sequence[tuple[str, str, Handler]]:
    """Return the doors for tests."""
    phone = "/pretend/phones/(?P<number>[^/]+)"
    return (
        ("GET", "/pretend/healthz", control.healthz),
        ("GET", "/pretend/ledger", control.list_ledger),
        ("GET", phone, control.phone),
        ("POST", phone, control.set_phone),
        ("POST", phone + "/texts", control.write),
        ("GET POST", phone + "/calls", calls.of_phone),
        ("GET", "/pretend/calls", calls.calls),
        ("GET", "/pretend/calls/(?P<sid>CA[0-9a-f]+)", calls.call),
        ("POST", "/pretend/calls/(?P<sid>CA[0-9a-f]+)/(?P<deed>[a-z-]+)", calls.act),
        ("GET", "/pretend/conferences", calls.conferences),
        ("GET", "/pretend/recordings", calls.recordings),
        ("GET POST", "/pretend/delays", calls.delays),
        ("GET POST", "/pretend/numbers", control.numbers),
        ("GET POST DELETE", "/pretend/faults", control.set_faults),
        ("POST", "/pretend/reset", control.reset),
        ("GET", "/pretend/mails", control.mails),
        ("POST", "/pretend/mails", calls.write_mail),
        ("GET", "/pretend/webhooks", control.webhooks),
        ("POST", "/pretend/webhooks/replay", control.replay),
    )


def page_routes(pages: Pages, calls: CallPages, mails: MailPages) -> Sequence[tuple[str, str, Handler]]:
    """Return the pages."""
    phone = "/phones/(?P<number>[^/]+)"
    return (
        ("GET", "/", pages.home),
        ("GET", "/phones", pages.find_phone),
        ("GET", phone, pages.phone),
        ("POST", phone, pages.write),
        ("POST", phone + "/kind", pages.set_kind),
        ("POST", phone + "/call", calls.act),
        ("GET", "/mails", mails.mails),
        ("POST", "/mails", mails.write),
        ("GET", "/mails/(?P<id>[0-9a-f]+)", mails.mail),
        ("POST", "/mails/(?P<id>[0-9a-f]+)", mails.answer),
        ("GET", "/static/(?P<name>[a-z.]+)", pages.static),
    )


def compiled(*tables: Sequence[tuple[str, str, Handler]]) -> list[Route]:
    """Return the doors of several tables, ready to be found."""
    return [(methods, re.compile(path), handler) for table in tables for methods, path, handler in table]


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
