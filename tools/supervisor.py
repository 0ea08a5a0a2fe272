"""./dev demo: servers, migrations, demo data, then the desk's processes, watched until they are stopped."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tools import demo_state, environment
from tools.manage import manage_py
from tools.places import (
    DEMO_ENV,
    DEMO_LEDGER,
    DEMO_VALKEY,
    LOGS,
    ROOT,
    RUN,
    Trouble,
    last_lines,
)
from tools.postgres import Postgres, free_port, write_private
from tools.processes import end_group
from tools.progress import step

READY_SECONDS = 90.0
SUPPLIER_PORT = 8025
PASSWORD = "front-desk-demo"
SIGN_INS = (
    ("dana@frontdesk.example", "receptionist", "all three practices"),
    ("osei@frontdesk.example", "clinician", "Harbor Street"),
    ("mira@frontdesk.example", "manager", "Harbor Street"),
)


class Stopped(BaseException):
    """Somebody asked the demo to stop; no error, so nothing that handles errors may catch it."""


class Child:
    """One process of the desk, in a session of its own, writing to `.run/logs/<name>.log`."""

    def __init__(self, name: str, arguments: list[str], variables: dict[str, str]) -> None:
        self.name = name
        self.log = LOGS / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def died(self) -> bool:
        return self.process.poll() is not None

    def stop(self, seconds: float = 8.0) -> None:
        """Ask politely, wait, then kill whatever is left of its session."""
        if not self.died():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                end_group(self.process.pid)
                self.process.wait()
        # A pool process may outlive its parent; the group of the session still finds it.
        end_group(self.process.pid)


class Demo:
    """The running demo: its servers and children, and how to stop them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.supplier_port = SUPPLIER_PORT if is_free(SUPPLIER_PORT) else free_port()
        self.smtp_port = free_port()
        self.mailroom = f"127.0.0.1:{free_port()}"
        self.scanner_port = free_port()
        self.servers = demo_state.demo_servers()
        self.children: list[Child] = []
        self.variables: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def supplier(self) -> str:
        return f"http://127.0.0.1:{self.supplier_port}"

    def start_servers(self) -> None:
        environment.demo_secrets()  # Before there is data: without its keys it would be worth nothing.
        with step("Postgres") as shown:
            shown.note = "first start: making the data folder" if is_new(self.servers.postgres) else ""
            addresses = self.servers.start_postgres()
        with step("Valkey"):
            addresses |= self.servers.start_valkey()
        self.variables = environment.for_demo(
            addresses,
            self.port,
            TWILIO_BASE_URL=self.supplier,
            EMAIL_PORT=str(self.smtp_port),
            MAIL_LISTEN=self.mailroom,
            CLAMD_ADDRESS=f"127.0.0.1:{self.scanner_port}",
        )
        self.remember()

    def remember(self) -> None:
        """Write down what runs now, so that a later start can clear up if this process is killed."""
        numbers = [child.process.pid for child in self.children] + self.servers.process_ids()
        demo_state.write_state(self.variables, self.address, numbers)

    def run_manage(self, name: str, *arguments: str) -> None:
        """Run one command of manage.py, showing its last line while it works."""
        variables = dict(self.variables)
        log = LOGS / f"{arguments[0]}.log"
        with step(name) as shown, log.open("w") as file:
            process = subprocess.Popen(
                manage_py(variables, list(arguments)),
                cwd=ROOT,
                env=variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            try:
                for line in process.stdout or ():
                    file.write(line)
                    shown.note = line.strip()[:60]
            except BaseException:
                process.terminate()
                process.wait()
                raise
            shown.failed = process.wait() != 0
        if shown.failed:
            raise Trouble(f"{name} failed. The end of {shown_path(log)}:\n{last_lines(log)}")

    def start_child(self, name: str, *arguments: str) -> None:
        self.children.append(Child(name, list(arguments), self.variables))
        self.remember()

    def start_supplier(self) -> None:
        """Start the pretend supplier; its account comes in a private file, not on a command line."""
        config = RUN / "supplier.json"
        account = {
            "account_sid": self.variables["TWILIO_ACCOUNT_SID"],
            "auth_token": self.variables["TWILIO_AUTH_TOKEN"],
            "mailroom": self.mailroom,
            **self.lines_and_phones(),
        }
        write_private(config, json.dumps(account))
        self.start_child(
            "supplier",
            *("-m", "tools.pretend_supplier", "--config", str(config), "--ledger", str(DEMO_LEDGER)),
            *("--port", str(self.supplier_port), "--smtp-port", str(self.smtp_port)),
        )

    def lines_and_phones(self) -> dict[str, object]:
        """The practices' numbers with the addresses of their webhooks, and the telephones on the desks."""
        done = subprocess.run(
            [sys.executable, "-m", "tools.supplier_lines"],
            cwd=ROOT,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Trouble(f"The practices' lines could not be read:\n{done.stderr.strip()}")
        found: dict[str, object] = json.loads(done.stdout)
        return found

    def start_desk(self) -> None:
        """Start what serves the desk. Addresses hold tokens: there is no access log."""
        self.start_child(
            "web",
            *("-m", "uvicorn", "frontdesk.asgi:application", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--no-access-log", "--timeout-graceful-shutdown", "3"),
        )
        celery = ("-m", "celery", "-A", "frontdesk")
        self.start_child(
            "worker",
            *(*celery, "worker", "--concurrency", "2", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle"),
        )
        # Patients' mails come in here; without this process they would wait at their relay.
        self.start_child("mailroom", "manage.py", "receive_mail")
        self.start_child("scanner", "-m", "tools.pretend_clamd", "--port", str(self.scanner_port))
        schedule = RUN / "beat-schedule"
        self.start_child(
            "beat", *(*celery, "beat", "--loglevel", "INFO", "--schedule", str(schedule), "--pidfile=")
        )

    def wait_until_ready(self) -> None:
        """Return when /healthz answers 200, which means pages, worker and timetable all answer."""
        deadline = time.monotonic() + READY_SECONDS
        with step("The desk") as shown:
            while True:
                shown.note = health = self.health()
                if not health:
                    return
                self.check_children()
                if time.monotonic() > deadline:
                    raise Trouble(f"The desk did not get ready in {READY_SECONDS:.0f} s: {health}")
                time.sleep(0.2)

    def health(self) -> str:
        """What /healthz says is missing; empty when it answers 200."""
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5):
                return ""
        except urllib.error.HTTPError as answer:
            return answer.read(2000).decode(errors="replace").replace("\n", " ")
        except OSError:
            return "waiting for the pages"

    def check_children(self) -> None:
        """Raise Trouble when one of the processes has ended by itself."""
        for child in self.children:
            if child.died():
                raise Trouble(
                    f"{child.name} stopped by itself (exit status {child.process.returncode}). "
                    f"The end of {shown_path(child.log)}:\n{last_lines(child.log)}"
                )
        for name, server in (("postgres", self.servers.postgres), ("valkey", self.servers.valkey)):
            if server is not None and server.process is not None and server.process.poll() is not None:
                end = last_lines(server.log)
                raise Trouble(f"{name} stopped by itself. The end of {shown_path(server.log)}:\n{end}")

    def stop(self) -> None:
        """Stop everything, the servers last."""
        for child in self.children:
            if not child.died():
                child.process.send_signal(signal.SIGTERM)
        for child in reversed(self.children):
            child.stop()
        self.servers.stop()
        demo_state.forget_state()


def is_new(postgres: Postgres | None) -> bool:
    return postgres is not None and not postgres.exists


def shown_path(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def is_free(port: int) -> bool:
    """Whether a port of this machine can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wipe() -> None:
    """Forget the demo's data and its keys; logs stay."""
    with step("Throwing the old demo data away"):
        postgres = demo_state.demo_servers().postgres
        if postgres is not None:
            postgres.remove()
        shutil.rmtree(DEMO_VALKEY, ignore_errors=True)
        for file in (DEMO_ENV, *RUN.glob(f"{DEMO_LEDGER.name}*"), *RUN.glob("beat-schedule*")):
            file.unlink(missing_ok=True)


def announce(demo: Demo) -> None:
    print(f"\nFront desk is ready at {demo.address}\n")
    print(f"  {'Sign in as':<26} {'who is':<14} at")
    for email, role, place in SIGN_INS:
        print(f"  {email:<26} {role:<14} {place}")
    print(f"  password: {PASSWORD}\n")
    print(f"  The patients' phones and mails: {demo.supplier}/")
    print("  Stop with Ctrl-C; the data stays in .run/ (start over with --fresh).\n", flush=True)


def arguments_of(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev demo", description="Opens the desk with demo data.")
    parser.add_argument("--port", type=int, default=8000, help="port of the pages (8000)")
    parser.add_argument("--fresh", action="store_true", help="throw the demo's data away first")
    return parser.parse_args(given)


def command(given: list[str]) -> int:
    """Run the demo until it is stopped: 0 then, 1 when a part of it fails."""
    wanted = arguments_of(given)
    lock = demo_state.DemoLock()
    if not lock.take("demo"):
        running = demo_state.read_state().get("address")
        where = f" at {running}" if running else ""
        raise Trouble(f"The demo's data is in use{where} ({demo_state.holder()}). Stop that one first.")
    with lock:
        if lock.stopped:
            print(f"  Stopped {lock.stopped} processes that an earlier demo had left behind.", flush=True)
        if not is_free(wanted.port):
            raise Trouble(
                f"Port {wanted.port} is taken by another program. Choose another one: "
                f"./dev demo --port {wanted.port + 1}"
            )
        if wanted.fresh:
            wipe()
        return run(Demo(wanted.port))


def run(demo: Demo) -> int:
    """Start everything, watch it, and stop it whatever happens."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        demo.start_servers()
        demo.run_manage("Migrations", "migrate", "--noinput")
        demo.run_manage("Demo data", "seed_demo")
        demo.start_supplier()
        demo.start_desk()
        demo.wait_until_ready()
        announce(demo)
        while True:
            time.sleep(0.3)
            demo.check_children()
    except Stopped:
        print("\nClosing the desk …", flush=True)
        return 0
    finally:
        # From here on a second Ctrl-C would only leave processes behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        demo.stop()


def _stop(_number: int, _frame: object) -> None:
    raise Stopped
