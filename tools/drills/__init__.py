"""./dev drill messaging: what must hold when things break, tried with real processes that really break.

Each drill breaks something on purpose (SECURITY: kill, hang, flush, failing supplier, storm, replay) and
counts what came of it; one line of JSON a drill. Once in a run each drill is also tried with its
protection switched off: there the loss or the duplicate must show, or the drill proves nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.drills.lineup import Drill, Round

USUAL_SEEDS = 3
MORE_TRIES = 3
# In the order of their controls: those that want the same protection switched off stand together.
NAMES = ("sender-killed", "child-killed", "worker-hangs", "supplier-fails", "webhook-storm", "broker-lost")


def command(arguments: list[str]) -> int:
    """Run the drills; 0 when every one came out as expected, its control included."""
    parser = argparse.ArgumentParser(prog="./dev drill", description=__doc__)
    parser.add_argument("what", choices=["messaging"])
    parser.add_argument("--seeds", type=int, default=0, metavar="N", help=f"rounds ({USUAL_SEEDS})")
    parser.add_argument("--first", type=int, default=1, metavar="SEED", help="seed of the first round (1)")
    parser.add_argument("--quick", action="store_true", help="one small round, about a minute")
    parser.add_argument("--only", default="", choices=NAMES, help="one drill")
    asked = parser.parse_args(arguments)
    # Servers end with us, however we are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seeds = asked.seeds or (1 if asked.quick else USUAL_SEEDS)
    return run(range(asked.first, asked.first + seeds), quick=asked.quick, only=asked.only)


def run(seeds: range, *, quick: bool, only: str) -> int:
    """Run rounds of all drills on one ground; the controls come first, on workers of their own."""
    from tools.drills.ground import ground_for_drills

    names = [name for name in NAMES if only in ("", name)]
    failed = []
    with ground_for_drills() as ground:
        from tools.drills.lineup import DRILLS, Round  # the product's models: only once they are set up

        first = Round(ground, seeds[0], quick)
        controls = {name: DRILLS[name].control(first) for name in names}
        ground.work_normally()
        for seed in seeds:
            order = list(names)
            random.Random(seed).shuffle(order)  # noqa: S311 - repeatable, not secret
            for name in order:
                held = report(name, DRILLS[name], Round(ground, seed, quick), controls.pop(name, None))
                failed += [] if held else [f"{name} with seed {seed}"]
    for words in failed:
        print(f"Did not come out as expected: {words}", file=sys.stderr)
    return 1 if failed else 0


def report(name: str, drill: Drill, round_: Round, control: bool | None) -> bool:
    """Run one drill and print its line; return whether it held, and its control failed if it was tried."""
    began = time.monotonic()
    found = drill.run(round_)
    for _ in range(MORE_TRIES):
        if found.proves or not found.as_expected:
            break
        found = drill.run(round_)  # nobody was hit: the day proved nothing
    line = {
        "drill": name,
        "seed": round_.seed,
        "expected": found.expected,
        "got": found.got,
        "control_failed_as_expected": control,
        "proof": found.proof,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(line), flush=True)
    return found.held and control is not False
