"""A row is timed until it is on the page, or for as long as one would wait."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import cast

import psycopg
import pytest

from bench.freshness import shown_after
from bench.ledger import Shape, fill
from bench.processes import Program


class Pages:
    """Stands for a program that serves one page after the other."""

    def __init__(self, pages: Iterator[str | None]) -> None:
        self._pages = pages
        self.asked = 0

    def page(self) -> str | None:
        self.asked += 1
        return next(self._pages)

    def until(self, holds: Callable[[], bool], patience: float, pause: float) -> float:  # noqa: ARG002 - as Program has it
        while not holds():
            pass
        return 0.0


@pytest.fixture
def ledger(vacant: str) -> str:
    """A ledger of some calls."""
    fill(vacant, Shape(days=1, rate=100), datetime.now(UTC).timestamp())
    return vacant


def test_a_row_is_dated_back_and_awaited(ledger: str) -> None:
    pages = Pages(iter([None, 'x{provider="other"} 1', 'x{provider="late"} 1']))
    assert shown_after(cast("Program", pages), ledger, "late", age="6 hours", patience=60) < 60
    assert pages.asked == 3
    with psycopg.connect(ledger) as connection:
        found = connection.execute(
            "SELECT count(*) FROM cost_ledger WHERE provider = 'late' AND created_at BETWEEN now() - interval '361 minutes'"
            " AND now() - interval '6 hours'"
        ).fetchone()
    assert found == (1,)


def test_one_does_not_wait_for_ever(ledger: str) -> None:
    pages = Pages(itertools.repeat(""))
    assert shown_after(cast("Program", pages), ledger, "late", age="6 hours", patience=0.01) == 0.01
