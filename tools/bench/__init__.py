"""./dev bench: the pages and the API beside their floors, in one run on this machine.

It prints a table, and with --json FILE writes the same. Nothing here passes or fails: figures drift by a
factor of two with the machine, so what counts are the ratios within one run (docs: the table's last column).
"""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path

from tools.bench.measure import PARTS, Row, measure_all
from tools.bench.stage import desk_for_bench, from_nothing
from tools.progress import step

AUDIT, FEW = "audit", 2_000
LONG = {"growth", AUDIT}  # not in a minute


def command(arguments: list[str]) -> int:
    """Measure and print; returns 0 whatever the figures are."""
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")
    parser.add_argument("--quick", action="store_true", help="fewer patients and requests, at most a minute")
    parser.add_argument("--only", action="append", choices=PARTS, default=[], help="this part")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers end with us, however we are stopped
    rows: list[Row] = []
    if not (asked.quick or asked.only):
        with step("From nothing to the first page") as shown:
            seconds = from_nothing()
            shown.note = f"{seconds:.1f} s"
        what = "./dev demo from an empty data folder to the first page"
        rows.append(Row(what, seconds, "s"))
    patients = 20_000 if asked.quick or asked.only else 100_000
    share = 0.25 if asked.quick else 1.0
    parts = asked.only or [part for part in PARTS if not (asked.quick and part in LONG)]
    # The audit fills the tables with a thousand practices and begins with a short history: its own desk.
    for chosen, people in (
        ([part for part in parts if part != AUDIT], patients),
        ([part for part in parts if part == AUDIT], FEW),
    ):
        if chosen:
            with desk_for_bench(people) as desk:
                rows += measure_all(desk, share=share, patients=people, only=chosen)
    print("\n" + table(rows))
    if asked.json:
        asked.json.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n", encoding="utf-8")
    return 0


def table(rows: list[Row]) -> str:
    """The figures as lines of text."""
    head = f"{'what':<58} {'ours':>12} {'CPU':>9} {'floor':>12} {'ratio':>8}  target"
    lines = [head, "─" * len(head)]
    for row in rows:
        floor = f"{row.floor:,.2f} {row.unit}" if row.floor is not None else ""
        work = f"{row.work:,.1f} ms" if row.work is not None else ""
        ratio = f"{row.ratio:,.2f}" if row.ratio is not None else ""
        ours = f"{row.ours:,.{2 if row.unit == '×' else 1}f} {row.unit}"
        verdict = {True: "met", False: "MISSED", None: ""}[row.met]
        target = f"{row.target} {verdict}".strip()
        lines.append(f"{row.what:<58} {ours:>12} {work:>9} {floor:>12} {ratio:>8}  {target}")
    lines += [
        "",
        "Pages: granian, WSGI, 2 workers. Postgres: fsync and synchronous commit on.",
        "Floors: the same rows by plain SQL through psycopg, or an empty view of the same server.",
        "CPU: of the pages' processes for each request; it counts when the machine has other work.",
        "Clients, server and database share the machine.",
    ]
    return "\n".join(lines)
