"""How far entries are counted for good, while transactions that drew their ids earlier may still be open."""

from datetime import timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import parse
from exporter.sources.database import Database
from exporter.sources.horizon import Horizon, horizon
from exporter.sync.watermark import Watermark, shift


def test_the_low_watermark_rises_only_when_everything_that_ran_then_has_ended() -> None:
    start = Watermark(low=10, mark=12, high=12)
    marked = start.advance(Horizon(oldest=100, next=105))
    assert marked == Watermark(low=10, mark=12, high=12, barrier=105)
    waiting = marked.reach(13).advance(Horizon(oldest=104, next=120))
    assert waiting == Watermark(low=10, mark=12, high=13, barrier=105)
    assert waiting.reach(14).advance(Horizon(oldest=105, next=130)) == Watermark(low=12, mark=14, high=14)


def test_the_barrier_is_set_one_poll_after_the_mark() -> None:
    seen = Watermark(low=0, mark=5, high=5)
    # A transaction that had drawn its id, but was not yet running, when 5 was seen, is running now, as number 7.
    running = seen.reach(6).advance(Horizon(oldest=7, next=8))
    assert running.advance(Horizon(oldest=7, next=9)).low == 0
    assert running.advance(Horizon(oldest=8, next=9)).low == 5


def test_a_watermark_never_goes_back() -> None:
    mark = Watermark(low=50, mark=40, high=60, barrier=1)
    assert mark.reach(3) == mark
    assert mark.advance(Horizon(5, 5)) == Watermark(low=50, mark=60, high=60)


@pytest.mark.parametrize("newest, position", [(7, 7), (0, 0), (-4, -4), (None, -(2**63))])
def test_a_new_watermark_stands_at_the_greatest_id(newest: int | None, position: int) -> None:
    assert Watermark.at(newest) == Watermark(position, position, position)


@given(st.data())
def test_no_id_is_passed_while_its_transaction_is_open(data: st.DataObject) -> None:
    """Transactions draw an id each, one after the other, and end in any order; a poll counts up to the greatest that ended."""
    mark, drawn, still_open = Watermark.at(0), 0, set[int]()
    for ends in data.draw(st.lists(st.none() | st.integers(0, 5), max_size=40)):
        if ends is None:
            drawn += 1
            still_open.add(drawn)
        elif still_open:
            still_open.remove(sorted(still_open)[ends % len(still_open)])
        ended = [number for number in range(1, drawn + 1) if number not in still_open]
        mark = mark.reach(max(ended, default=0)).advance(Horizon(min(still_open, default=drawn + 1), drawn + 1))
        assert mark.low < min(still_open, default=drawn + 1)
        assert mark.low <= mark.mark <= mark.high


@pytest.mark.parametrize(
    "low, high, expected", [(0, 0, 6), (0, 65_535, 6), (0, 131_071, 7), (1000, 1_049_575, 10), (-(2**63), 2**63 - 1, 54)]
)
def test_ids_are_divided_into_a_bounded_number_of_bins(low: int, high: int, expected: int) -> None:
    assert shift(low, high) == expected
    assert (high >> expected) - (low >> expected) <= 1025


async def test_the_horizon_lies_beyond_transactions_that_snapshots_do_not_list(database: str) -> None:
    """A snapshot lists running transactions only up to the newest that has ended."""
    with psycopg.connect(database) as quick, psycopg.connect(database) as slow:
        quick.execute("SELECT pg_current_xact_id()")
        later = slow.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        quick.commit()
        assert later is not None
        running = await seen_from(database)
        assert running.oldest <= later[0] < running.next
    assert (await seen_from(database)).oldest > later[0]


async def seen_from(conninfo: str) -> Horizon:
    config = parse(f'databases: {{main: {{dsn: "{conninfo}"}}}}\nledgers: {{costs: {{database: main}}}}', "config.yml")
    async with Database(config.databases["main"], timedelta(seconds=20)) as opened, opened.transaction() as transaction:
        return await horizon(transaction)
