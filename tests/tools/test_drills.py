"""The drill reports truly: a line each, and nothing counts that proved nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from tools import drills
from tools.drills import day, lineup
from tools.drills.ground import Broker, Ground
from tools.drills.lineup import DRILLS, Drill, Found, Round


def a_round() -> Round:
    return Round(cast("Ground", None), 7, quick=True)


def test_the_drills_are_those_that_can_be_asked_for() -> None:
    assert set(drills.NAMES) == set(DRILLS)


@pytest.mark.parametrize(
    ("expected", "got", "proof", "held"),
    [
        ({"lost": 0}, {"lost": 0}, {"orphans": 3}, True),
        ({"lost": 0}, {"lost": 1}, {"orphans": 3}, False),
        ({"lost": 0}, {"lost": 0}, {"orphans": 0}, False),
    ],
)
def test_a_drill_holds_when_something_broke_and_nothing_was_lost(
    expected: dict[str, int], got: dict[str, int], proof: dict[str, int], held: bool
) -> None:
    assert Found(expected, got, proof).held is held


@pytest.mark.parametrize(("control", "held"), [(True, True), (False, False), (None, True)])
def test_a_control_that_does_not_fail_fails_the_drill(
    control: bool | None, held: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    drill = Drill(lambda round_: Found({"twice": 0}, {"twice": 0}, {"orphans": 1}), lambda round_: True)
    assert drills.report("sender-killed", drill, a_round(), control) is held
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert line["control_failed_as_expected"] is control
    assert (line["drill"], line["seed"], line["expected"]) == ("sender-killed", 7, {"twice": 0})
    assert line["got"] == {"twice": 0}


def test_lost_and_double_texts_are_told_apart() -> None:
    sent = day.Counter({"a": 1, "b": 2, "stranger": 1})
    assert day.tally(sent, ["a", "b", "c"]) == {"once": 1, "lost": 1, "twice": 1}


def test_a_seed_orders_the_same_faults_each_time() -> None:
    first, again, other = (lineup.mixture(lineup.random.Random(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert {"500-after", "hang-after", "reset-after", "garbage", "429"} <= {one["kind"] for one in first}


def test_a_broker_comes_back_empty_under_its_address(tmp_path: Path) -> None:
    import redis

    broker = Broker(tmp_path / "valkey", tmp_path / "valkey.log")
    broker.start()
    try:
        address = broker.url
        with redis.Redis.from_url(address) as client:
            client.set("wake-up", 1)
            broker.die()
            broker.come_back()
            assert broker.url == address
            assert client.get("wake-up") is None
    finally:
        broker.stop()
