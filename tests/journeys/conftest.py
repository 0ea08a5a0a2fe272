"""One house for all journeys of this folder, awake only while one of them runs."""

import os
from collections.abc import Iterator

import pytest

from tests.houses import House


@pytest.fixture(scope="package")
def processes(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    house = House(tmp_path_factory.mktemp("house"), broker=8 + number % 8)
    try:
        house.start()
        house.rest()
        yield house
    finally:
        house.stop()


@pytest.fixture
def house(processes: House, transactional_db: None) -> Iterator[House]:
    processes.resume()
    yield processes
    processes.rest()
