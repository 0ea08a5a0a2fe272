"""What ./dev test does with its arguments."""

from __future__ import annotations

import pytest

from tools import testing


@pytest.mark.parametrize("arguments", [[], ["-x"], ["tests"], ["tests/tools"], ["-k", "lock"]])
def test_folders_run_in_two_processes(arguments: list[str]) -> None:
    assert testing._in_parallel(arguments) == ["-n", "2", "--dist", "worksteal"]


@pytest.mark.parametrize(
    "arguments",
    [["-n", "4"], ["-n4"], ["--numprocesses=3"], ["--pdb"], ["-s"], ["tests/tools/test_testing.py::test_x"]],
)
def test_single_files_and_own_wishes_are_left_alone(arguments: list[str]) -> None:
    assert testing._in_parallel(arguments) == []
