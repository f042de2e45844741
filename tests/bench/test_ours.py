"""What the exporter says of itself becomes medians, and rows for each row that changed."""

import pytest

from bench.ours import STAGES, State, figures


def _state(done: int, total: float, database_ms: float, fetched: float, changed: int) -> State:
    return State(done, dict.fromkeys(STAGES, total), database_ms, fetched, changed)


# Two runs, between which nothing is measured; the second missed a refresh, so two are told at once.
FIRST = [_state(3, 1.0, 50.0, 1000, 0), _state(4, 1.1, 60.0, 1010, 5), _state(5, 1.4, 90.0, 1012, 6)]
SECOND = [_state(9, 9.0, 500.0, 5000, 100), _state(11, 9.4, 540.0, 5006, 102)]


def test_medians_over_all_runs() -> None:
    found = figures(FIRST, SECOND)
    assert found["database_ms"] == pytest.approx(20)
    assert {name: found[f"{name}_ms"] for name in STAGES} == pytest.approx(dict.fromkeys(STAGES, 200.0))


def test_rows_fetched_are_those_of_the_refreshes_that_count() -> None:
    assert figures(FIRST)["rows_per_change"] == 2
    assert figures(FIRST, SECOND)["rows_per_change"] == pytest.approx((12 + 6) / (6 + 2))


@pytest.mark.parametrize("fetched, changed", [(10, 0), (0, 10)], ids=["nothing changed", "nothing is told"])
def test_without_rows_there_is_no_ratio(fetched: float, changed: int) -> None:
    assert "rows_per_change" not in figures([_state(1, 0, 0, 0, 0), _state(2, 1, 1, fetched, changed)])
