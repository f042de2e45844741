"""How far a ledger has been followed, as the rollups keep it."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from exporter.rollups import Rollups
from exporter.sources.statements import BEGINNING
from exporter.sync import progress
from exporter.sync.progress import Building, Progress
from exporter.sync.watermark import Watermark
from tests.rollups.entries import Store

IDS = st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.datetimes(datetime(2, 1, 2), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - st adds the zone
MADE = st.builds(
    Progress,
    identity=st.text(),
    last_success=MOMENTS,
    today=st.dates(),
    settled_before=st.tuples(st.dates(), st.integers(0, 24)),
    watermark=st.none() | st.builds(Watermark, IDS, IDS, IDS, st.none() | st.integers(0, 2**64 - 1)),
    updated_at=st.none() | MOMENTS,
    audit_from=st.none() | MOMENTS | st.just(BEGINNING),
    pending_transactions=st.none() | st.integers(0, 2**64 - 1),
)


class States:
    """In the place of rollups: a state without a file."""

    def __init__(self, kept: str) -> None:
        self._kept = kept

    def state(self, _ledger: str) -> str:
        return self._kept

    building = state


def keeping(state: Progress | Building) -> Rollups:
    return cast("Rollups", States(progress.dump(state)))


@given(MADE, MOMENTS)
def test_what_is_kept_is_what_is_found(made: Progress, position: datetime) -> None:
    assert progress.of(keeping(made), "costs") == made
    building = Building(made, position)
    assert progress.building(keeping(building), "costs") == building


def test_the_watermarks_are_unknown_where_ids_are_no_numbers() -> None:
    made = Progress("identity", datetime(2026, 5, 14, tzinfo=UTC), date(2026, 5, 14))
    assert (made.low, made.high) == (None, None)
    numbered = Progress("identity", made.last_success, made.today, watermark=Watermark(low=1, mark=2, high=3))
    assert (numbered.low, numbered.high) == (1, 3)


def test_a_first_build_and_what_follows_are_told_apart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = Progress("identity", datetime(2026, 5, 14, tzinfo=UTC), date(2026, 5, 14), watermark=Watermark.at(None))
    building = Building(made, BEGINNING)
    assert (progress.of(store.rollups, "costs"), progress.building(store.rollups, "costs")) == (None, None)
    store.rollups.begin("costs", progress.dump(building))
    store.reopen()
    assert (progress.of(store.rollups, "costs"), progress.building(store.rollups, "costs")) == (None, building)
    store.rollups.finish("costs", progress.dump(made))
    store.reopen()
    assert (progress.of(store.rollups, "costs"), progress.building(store.rollups, "costs")) == (made, None)
