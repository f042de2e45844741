"""When a cursor may pass a position."""

from datetime import timedelta

import psycopg

from exporter.config import parse
from exporter.sources.database import Database
from exporter.sync import watermark
from exporter.sync.watermark import Group, Horizon, Seen, Watermark, changed

FEW = Group(rows=2, checksum=77, numbers=())


def test_a_mark_is_passed_only_when_everything_that_ran_then_has_ended() -> None:
    start = Watermark(passed=10, mark=10)
    marked = start.advance(12, Horizon(oldest=100, next=105))
    assert marked == Watermark(passed=10, mark=10, barrier=105)
    waiting = marked.advance(13, Horizon(oldest=104, next=120))
    assert waiting == marked
    assert waiting.advance(14, Horizon(oldest=105, next=130)) == Watermark(passed=10, mark=14)


def test_the_barrier_is_set_one_look_after_the_mark() -> None:
    seen = Watermark(passed=0, mark=0).advance(5, Horizon(1, 1)).advance(5, Horizon(1, 1))
    assert seen == Watermark(passed=0, mark=5, barrier=None)
    # A transaction that had drawn its id, but was not yet running, when bin 5 was seen, is running now, as number 7.
    running = seen.advance(6, Horizon(oldest=7, next=8))
    assert running.advance(6, Horizon(oldest=7, next=9)).passed == 0
    assert running.advance(6, Horizon(oldest=8, next=9)).passed == 5


def test_a_position_never_goes_back() -> None:
    position = Watermark(passed=50, mark=50, barrier=1)
    assert position.advance(3, Horizon(5, 5)).passed == 50


def test_only_what_is_new_or_gone_is_touched() -> None:
    before: Seen = {(4, 100): FEW, (5, 100): FEW, (5, 101): FEW}
    now: Seen = {(5, 100): FEW, (5, 101): Group(3, 78, ()), (6, None): FEW}
    assert sorted(changed(before, now, lower=5), key=str) == sorted([(101, FEW), (101, Group(3, 78, ())), (None, FEW)], key=str)


def test_after_a_restart_everything_above_the_position_is_touched() -> None:
    assert changed({}, {(5, 100): FEW}, lower=5) == [(100, FEW)]


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


async def seen_from(conninfo: str) -> watermark.Horizon:
    config = parse(f'databases: {{main: {{dsn: "{conninfo}"}}}}\nledgers: {{costs: {{database: main}}}}', "config.yml")
    async with Database(config.databases["main"], timedelta(seconds=20)) as opened, opened.transaction() as transaction:
        return await watermark.horizon(transaction)
