"""The drills for messaging, each with what must come of it and the control in which it must not."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from practices.models import Practice
from tools.drills import day, storm
from tools.drills.ground import Ground

Figures = dict[str, Any]
TEXTS, FEW_TEXTS = 48, 24
LONG_ENOUGH = 240.0  # seconds; only a failing drill takes them
CONTROL_SECONDS, CONTROL_TRIES = 20.0, 12
LEASE = 3.5
LISTENING = 10.0  # seconds a stopped worker may stand in line at the broker, at most
LATE = 120.0  # seconds until a quiet supplier reports anything
# Most answers take a while: whoever is killed then has sent what nobody knows of.
SLOW = [{"kind": "slow", "rate": 0.7, "seconds": 0.2}]


@dataclass
class Found:
    """What should have come of a drill, what came, and what shows that anything was broken."""

    expected: Figures
    got: Figures
    proof: Figures = field(default_factory=dict)

    @property
    def as_expected(self) -> bool:
        """Return whether it came out as expected."""
        return self.expected == self.got

    @property
    def proves(self) -> bool:
        """Return whether something really broke."""
        return all(self.proof.values())

    @property
    def held(self) -> bool:
        """Return whether it came out as expected after something really broke."""
        return self.as_expected and self.proves


class Round:
    """One seed: a ground, a practice for each drill, and chances that fall the same way each time."""

    made = 0

    def __init__(self, ground: Ground, seed: int, quick: bool) -> None:
        self.ground, self.seed, self.quick = ground, seed, quick
        self.texts = FEW_TEXTS if quick else TEXTS
        self.chance = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def practice(self) -> Practice:
        """Return a new practice, awake all day, with a line of its own."""
        Round.made += 1
        number = Round.made
        line = f"+1206{2_000_000 + number:07d}"
        practice = Practice.objects.create(
            slug=f"drill-{number}",
            name=f"Drill {number}",
            time_zone="America/New_York",
            line_number=line,
            email_sender=f"desk@drill-{number}.example",
            quiet_from="00:00",
            quiet_until="00:00",
        )
        self.ground.supplier.add_number(line, name=practice.name)
        return Practice.objects.get(pk=practice.pk)

    def numbers(self, practice: Practice) -> list[str]:
        """Queue the texts of a drill, to numbers that no other drill uses."""
        return day.due_texts(practice, self.texts, area=200 + practice.pk % 700)

    def faults(self, faults: list[Figures]) -> None:
        """Order faults anew, with this round's seed."""
        self.ground.supplier.clear_faults()
        self.ground.supplier.faults(faults, seed=self.seed)


class Sending:
    """Texts of one practice under way, while something breaks."""

    def __init__(self, round_: Round, faults: list[Figures], quiet: bool | None = None) -> None:
        """A quiet supplier reports late: nothing but asking it settles a doubt; else chance decides."""
        self.round, self.ground = round_, round_.ground
        quiet = round_.chance.random() < 0.5 if quiet is None else quiet
        self.ground.supplier.delays(sent_after=LATE if quiet else 0.02)
        self.practice = round_.practice()
        self.numbers = round_.numbers(self.practice)
        self.line = str(self.practice.line_number)
        self.orphans = 0
        round_.faults(faults)

    def sweep(self) -> None:
        """Wake a worker for this practice, as the timetable would."""
        day.ask("messaging.tasks.deliver_due", self.practice.pk)

    def sent(self) -> int:
        """Return how many texts the supplier has taken."""
        return sum(day.texts_each(self.ground.supplier, self.line).values())

    def until(self, share: float) -> None:
        """Go on until a share of the texts is with the supplier."""
        wanted = max(1, round(share * len(self.numbers)))
        day.sweep_until(lambda: self.sent() >= wanted, LONG_ENOUGH, self.sweep, pause=0.02)
        self.until_in_hand()

    def until_in_hand(self) -> None:
        """Go on until some worker holds texts, or none are left."""
        day.sweep_until(
            lambda: day.in_hand(self.practice) > 0 or day.left(self.practice) == 0,
            LONG_ENOUGH,
            self.sweep,
            pause=0.02,
        )

    def count_orphans(self) -> None:
        """Count what is in the hands of workers that were just killed or stopped."""
        self.orphans += day.in_hand(self.practice)

    def to_the_end(self) -> None:
        """Wake workers until nothing waits any more."""
        day.sweep_until(lambda: day.left(self.practice) == 0, LONG_ENOUGH, self.sweep)

    def until_twice(self) -> bool:
        """Go on until somebody got two texts or none are left; return whether anybody got two."""

        def twice() -> bool:
            return max(day.texts_each(self.ground.supplier, self.line).values(), default=0) > 1

        day.sweep_until(lambda: twice() or day.left(self.practice) == 0, CONTROL_SECONDS, self.sweep)
        return twice()

    def found(self, **proof: Any) -> Found:
        """Count what came of it."""
        got = day.tally(day.texts_each(self.ground.supplier, self.line), self.numbers)
        expected = {"once": len(self.numbers), "lost": 0, "twice": 0, "left": 0}
        return Found(expected, got | {"left": day.left(self.practice)}, proof)


def somebody_gets_two(round_: Round, faults: list[Figures], break_it: Callable[[Sending], None]) -> bool:
    """The control of most drills: without reconciling a second text goes.

    Chance may want several days: one in which the group that was hit held no text proves nothing.
    """
    round_.ground.without("reconcile")
    for _ in range(CONTROL_TRIES):
        sending = Sending(round_, faults, quiet=True)
        break_it(sending)
        for worker in round_.ground.crew:
            worker.wait_until_it_works()
        if sending.until_twice():
            return True
    return False


# 1: the sender is killed


def sender_killed(round_: Round) -> Found:
    """Whole worker groups are killed in mid-send, one or both, at some sixths of the way."""
    sending = Sending(round_, SLOW)
    for sixth in sorted(round_.chance.sample(range(1, 6), 1 if round_.quick else 2)):
        sending.until(sixth / 6)
        kill_some(sending, round_.chance.choice([1, 2]))
    sending.to_the_end()
    return sending.found(orphans=sending.orphans)


def kill_some(sending: Sending, groups: int) -> None:
    crew = sending.ground.crew[:]
    sending.round.chance.shuffle(crew)
    for worker in crew[:groups]:
        worker.kill()
    sending.count_orphans()
    for worker in crew[:groups]:
        worker.start()


def sender_killed_control(round_: Round) -> bool:
    def break_it(sending: Sending) -> None:
        sending.until(1 / 3)
        kill_some(sending, 2)

    return somebody_gets_two(round_, SLOW, break_it)


# 2: a process of the pool is killed


def child_killed(round_: Round) -> Found:
    """Single processes of the pools are killed; their master makes new ones."""
    sending = Sending(round_, SLOW)
    for sixth in sorted(round_.chance.sample(range(1, 6), 2)):
        sending.until(sixth / 6)
        kill_children(sending)
    sending.to_the_end()
    return sending.found(orphans=sending.orphans)


def kill_children(sending: Sending) -> None:
    """One child of each pool, whichever of the two is at it."""
    for worker in sending.ground.crew:
        for child in worker.children():
            os.kill(child, signal.SIGKILL)
    sending.count_orphans()


def child_killed_control(round_: Round) -> bool:
    def break_it(sending: Sending) -> None:
        sending.until(1 / 3)
        kill_children(sending)

    return somebody_gets_two(round_, SLOW, break_it)


# 3: a worker hangs beyond its lease


def worker_hangs(round_: Round) -> Found:
    """Groups are stopped until their leases are long over, then go on with what they hold."""
    sending = Sending(round_, SLOW)
    sending.until(round_.chance.randint(1, 3) / 6)
    stopped = hang(sending, round_.chance.choice([1, 2]))
    sending.to_the_end()
    return sending.found(orphans=sending.orphans, stopped=stopped)


def hang(sending: Sending, groups: int) -> int:
    """Stop groups for longer than a lease while the others sweep; return how many were stopped."""
    crew = sending.ground.crew[:groups]
    for worker in crew:
        worker.signal(signal.SIGSTOP)
    sending.count_orphans()
    until = time.monotonic() + LEASE + 1.5
    while time.monotonic() < until:
        sending.sweep()
        time.sleep(0.2)
    for worker in crew:
        worker.signal(signal.SIGCONT)
    return groups


def worker_hangs_control(round_: Round) -> bool:
    def break_it(sending: Sending) -> None:
        sending.until(1 / 6)
        hang(sending, 1)  # the other group sends what the stopped one has sent

    return somebody_gets_two(round_, SLOW, break_it)


# 4: the broker forgets and dies


def broker_lost(round_: Round) -> Found:
    """Wake-ups are flushed before anybody hears them; later the broker dies and comes back empty."""
    ground = round_.ground
    sending, lost = flushed(round_)
    sending.until(round_.chance.randint(1, 4) / 6)
    ground.broker.die()
    time.sleep(0.5 if round_.quick else round_.chance.uniform(0.5, 3))
    ground.broker.come_back()
    sending.to_the_end()  # may take a minute: the library tries a lost broker later and later
    return sending.found(flushed=lost)


def flushed(round_: Round) -> tuple[Sending, int]:
    """Texts whose wake-up was lost; the number of wake-ups that were there."""
    import redis

    ground = round_.ground
    for worker in ground.crew:
        worker.signal(signal.SIGSTOP)
    with redis.Redis.from_url(ground.broker.url) as client:
        nobody_listens(client)
        sending = Sending(round_, SLOW)
        sending.sweep()
        lost = sum(client.llen(key) for key in client.keys("*") if client.type(key) == b"list")
        client.flushall()
    for worker in ground.crew:
        worker.signal(signal.SIGCONT)
    return sending, int(lost)


def nobody_listens(client: Any) -> None:
    """Wait until the broker has told every stopped worker that nothing came.

    A stopped worker still stands in line at the broker for a second: the next wake-up would go into its
    socket, where no flush reaches it.
    """
    until = time.monotonic() + LISTENING
    while client.info("clients")["blocked_clients"] and time.monotonic() < until:
        time.sleep(0.05)


def broker_lost_control(round_: Round) -> bool:
    """Without the timetable nobody would ask again."""
    round_.ground.work_normally()
    sending, _ = flushed(round_)
    time.sleep(3)
    waits = day.left(sending.practice) == len(sending.numbers)
    sending.to_the_end()
    return waits


# 7: the supplier fails


def supplier_fails(round_: Round) -> Found:
    """Too many requests, errors, hanging, breaking off, nonsense; before and after the text was taken."""
    sending = Sending(round_, mixture(round_.chance))
    sending.to_the_end()
    happened = round_.ground.supplier.happened()
    after = sum(happened.get(kind, 0) for kind in ("500-after", "hang-after", "reset-after", "garbage"))
    return sending.found(faults=sum(happened.values()), after_taking=after)


def mixture(chance: random.Random) -> list[Figures]:
    """Faults of every kind; which are frequent depends on the seed."""
    kinds = ("429", "503", "500", "500-after", "hang-before", "hang-after", "reset-before", "reset-after")
    faults: list[Figures] = [
        {"kind": kind, "rate": chance.uniform(0.02, 0.08), "seconds": 0.8 if "hang" in kind else 0.1}
        for kind in (*kinds, "garbage")
    ]
    slow = {"kind": "slow", "rate": 0.2, "seconds": 0.1}
    listing = {"kind": "500", "on": "list", "rate": 0.15}
    return [*faults, slow, listing]


def supplier_fails_control(round_: Round) -> bool:
    heavy = [{"kind": kind, "rate": 0.15, "seconds": 0.8} for kind in ("500-after", "hang-after", "garbage")]
    return somebody_gets_two(round_, heavy, lambda sending: None)


# 8: a storm of webhooks, and everything once more


def webhook_storm(round_: Round) -> Found:
    """Reports doubled and out of order from twenty threads; then all of it again."""
    sending = Sending(round_, [], quiet=False)
    sending.to_the_end()
    url, token = round_.ground.address, round_.ground.supplier.auth_token
    blown = storm.Storm(sending.practice, url, token, round_.chance)
    return Found(*blown.blow(posts=400 if round_.quick else 2_000))


def webhook_storm_control(round_: Round) -> bool:
    """Without the receipts a second report is not met with calm."""
    round_.ground.without("replay")
    found = webhook_storm(Round(round_.ground, round_.seed, quick=True))
    return not found.held


@dataclass(frozen=True)
class Drill:
    """A drill and its control, which returns whether it failed as it must."""

    run: Callable[[Round], Found]
    control: Callable[[Round], bool]


DRILLS = {
    "sender-killed": Drill(sender_killed, sender_killed_control),
    "child-killed": Drill(child_killed, child_killed_control),
    "worker-hangs": Drill(worker_hangs, worker_hangs_control),
    "supplier-fails": Drill(supplier_fails, supplier_fails_control),
    "broker-lost": Drill(broker_lost, broker_lost_control),
    "webhook-storm": Drill(webhook_storm, webhook_storm_control),
}
