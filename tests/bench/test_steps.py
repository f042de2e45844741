"""The steps of a run measure what they say they measure, over ledgers that are as small as can be."""

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from bench import __main__ as main
from bench.__main__ import _measure
from bench.ledger import Shape
from bench.ours import STAGES
from bench.processes import BenchError
from bench.server import Server, running
from bench.sizes import SIZES
from bench.steps.context import Bench, Measured
from bench.steps.registry import STEPS

REFRESH: Final = {"database_ms", *(f"{stage}_ms" for stage in STAGES)}
CHANGES: Final = REFRESH | {"rows_per_change"}
RATE: Final = 86_400
TINY: Final = replace(
    SIZES["small"],
    history={"short": Shape(0.01, RATE), "long": Shape(0.02, RATE)},
    rates={"rate_1": Shape(0.01, RATE)},
    others={"late": Shape(15, 100), "text_ids": Shape(0.5, 1000), "busy_day": Shape(1, 1000)},
    busy_interval=1,
    refreshes=2,
    rounds=1,
    turn=2,
)
EXPECTED: Final = {
    "plain": {"plain.database_ms", "plain.last_30_days.database_ms"},
    "history": {f"{name}.{figure}" for name in ("short", "long") for figure in CHANGES},
    "rates": {f"rate_1.{figure}" for figure in {*CHANGES, "plain_day_ms", "build_s", "peak_memory_mb", "memory_mb"}},
    "late": {
        *(f"no_late_scores.{figure}" for figure in REFRESH),
        *(f"{name}.{figure}" for name in ("late_scores", "mix") for figure in CHANGES),
    },
    "text_ids": {"text_ids.late_row_s"},
    "busy": {"busy_day.build_s", "busy_day.peak_memory_mb"},
    "aggregation": {"plain.aggregation_s"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The PostgreSQL of the distribution, as a run has it."""
    try:
        with running() as started:
            yield started
    except BenchError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def bench(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A run of the tiny size, in which nothing is loaded yet."""
    tiny = Bench(server, TINY, tmp_path_factory.mktemp("bench"), lambda _: None, pytest.fail)
    tiny.create_roles()
    return tiny


@pytest.mark.slow
@pytest.mark.parametrize("step", EXPECTED)
def test_a_step_measures(bench: Bench, step: str) -> None:
    found = STEPS[step](bench)
    assert EXPECTED[step] <= set(found)
    assert all(value > 0 for value in found.values())


def test_a_step_that_fails_takes_no_figures_of_others_with_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: Bench) -> Measured:
        raise BenchError("no memory")

    monkeypatch.setattr(Bench, "create_roles", lambda _: None)
    monkeypatch.setattr(main, "STEPS", {"busy": failing, "plain": lambda _: {"plain.database_ms": 1.0}})
    said = StringIO()
    assert _measure(server, TINY, tmp_path, ["busy", "plain"], Console(file=said)) == ({"plain.database_ms": 1.0}, True)
    assert "bench: step busy: no memory" in said.getvalue()
