"""What is known of the ranges of a ledger."""

from datetime import date, timedelta

from exporter.rollups import ranges, staging
from exporter.rollups.ranges import KnownRange
from exporter.rollups.staging import Place
from tests.rollups.entries import EVERYTHING, FIRST, NOW, TODAY, Entry, Store, at

NEXT = FIRST + timedelta(days=1)


def entry(day: date, minute: int, key: int, **columns: object) -> Entry:
    return {"occurred_at": at(day, minute, 30), "key": key, "checksum": 100 * key, "task_id": "t", **columns}


def minutes(store: Store, ledger: str = "costs") -> list[tuple[date, int, int]]:
    return [(each.day, each.minute, each.minutes) for each in store.known(ledger)]


def test_a_range_adds_up_whatever_is_added_to_it(store: Store) -> None:
    store.apply("costs", [entry(FIRST, 7, 1), entry(FIRST, 7, 2)])
    store.apply("costs", [entry(FIRST, 7, -5, rejection_reason="not_finite")])
    assert store.known("costs") == [KnownRange(FIRST, 7, 1, entries=3, checksum=-200, keys=-2)]
    assert store.known("costs")[0].key == (FIRST, 7)
    assert store.known("impacts") == []


def test_ranges_are_found_that_begin_in_closed_spans(store: Store) -> None:
    store.apply("costs", [entry(day, minute, 1) for day in (FIRST, NEXT, TODAY) for minute in (1, 30, 1439)])

    def known(*spans: tuple[tuple[date, int], tuple[date, int]], most: int = 9) -> list[tuple[date, int]]:
        return [each.key for each in store.rollups.known("costs", *spans, most=most)]

    assert known(((FIRST, 30), (FIRST, 1439))) == [(FIRST, 30), (FIRST, 1439)]
    assert known(((FIRST, 31), (TODAY, 1))) == [(FIRST, 1439), (NEXT, 1), (NEXT, 30), (NEXT, 1439), (TODAY, 1)]
    assert known(((TODAY, 2), (TODAY, 29))) == []
    assert known(((TODAY, 30), (TODAY, 30)), ((FIRST, 0), (FIRST, 1))) == [(FIRST, 1), (TODAY, 30)]
    assert known(EVERYTHING, most=2) == [(FIRST, 1), (FIRST, 30)]


def test_ids_are_looked_up_in_the_ranges_that_may_hold_them(store: Store) -> None:
    store.apply("costs", [entry(FIRST, 1, 10), entry(FIRST, 1, 20), entry(FIRST, 2, 15), entry(FIRST, 3, 30)])
    assert sorted(store.rollups.holding("costs", [12, 15])) == [(FIRST, 1), (FIRST, 2)]
    assert store.rollups.holding("costs", [30]) == [(FIRST, 3)]
    assert store.rollups.holding("costs", [25]) == store.rollups.holding("impacts", [12]) == []


def test_hours_that_have_settled_are_kept_in_long_ranges(store: Store) -> None:
    store.apply("costs", [entry(FIRST, minute, minute) for minute in (0, 59, 60, 121)])
    store.rollups.settle("costs", (FIRST, 2), "settled")
    assert minutes(store) == [(FIRST, 0, 60), (FIRST, 60, 60), (FIRST, 121, 1)]
    store.rollups.settle("costs", (NEXT, 0), "settled")
    assert minutes(store) == [(FIRST, 0, 60), (FIRST, 60, 60), (FIRST, 120, 60)]
    assert [each.keys for each in store.known("costs")] == [59, 60, 121]


def test_busy_hours_are_kept_in_shorter_ranges(store: Store) -> None:
    assert (staging.COARSE, staging.FINE) == (10_000, 120_000)
    store.apply("costs", [entry(FIRST, 3, key) for key in range(10_001)])
    store.apply("costs", [entry(FIRST, 60, key) for key in range(10_000)])
    store.rollups.settle("costs", (NEXT, 0), "settled")
    assert minutes(store) == [(FIRST, 0, 5), (FIRST, 60, 60)]


def test_settling_takes_the_rejected_and_the_pending_along(store: Store) -> None:
    for ledger in ("costs", "impacts"):
        store.apply(ledger, [entry(FIRST, 7, 1, rejection_reason="not_finite"), entry(FIRST, 8, 2)], low=0)
        store.rollups.settle(ledger, (NEXT, 0), "settled")
        assert store.rollups.pending(ledger, 0, 6, [0]) == {1: (FIRST, 0), 2: (FIRST, 0)}
        store.apply(ledger, [], [(FIRST, 0)], low=0)
        assert store.rollups.pending(ledger, 0, 6, [0]) == {}
    assert store.rollups.rejected() == []


def test_pending_entries_are_counted_by_bins_of_ids(store: Store) -> None:
    tomorrow = TODAY + timedelta(days=1)
    store.apply("costs", [entry(TODAY, 0, 63), entry(TODAY, 1, 64), entry(TODAY, 1, 65), entry(tomorrow, 0, 130)], low=63)
    assert store.rollups.pending_bins("costs", 63, 6) == {1: (2, 129), 2: (1, 130)}
    assert store.rollups.pending_bins("costs", 64, 6) == {1: (1, 65), 2: (1, 130)}
    assert store.rollups.pending("costs", 63, 6, [1, 2]) == {64: (TODAY, 1), 65: (TODAY, 1), 130: None}
    store.rollups.forget_pending("costs", [64, 130])
    assert store.rollups.pending("costs", 63, 6, [1, 2]) == {65: (TODAY, 1)}
    assert store.rollups.pending_bins("impacts", 63, 6) == {}


def test_entries_that_no_day_can_hold_are_noted_by_reason(store: Store) -> None:
    store.apply("costs", [entry(FIRST, 0, 1, rejection_reason="not_finite")])
    store.rollups.untimed("costs", {"no_time": 2, "infinite_time": 3})
    store.rollups.untimed("costs", {"no_time": 1})
    assert sorted(store.rollups.rejected()) == [("costs", "no_time", 1), ("costs", "not_finite", 1)]


def test_the_newest_entry_is_the_last_that_has_happened(store: Store) -> None:
    moments = [NOW + timedelta(minutes=ahead) for ahead in (-9, 5, 20)]
    rows = [{**entry(TODAY, 0, n), "occurred_at": moment.replace(tzinfo=None)} for n, moment in enumerate(moments)]
    store.apply("costs", rows)
    for hour in (15, 16):  # these minutes are ranges of their own, then one of an hour
        store.rollups.settle("costs", (TODAY, hour), "settled")
        for later, newest in ((0, -9), (4, -9), (5, 5), (6, 5), (600, 20)):
            assert store.rollups.newest(NOW + timedelta(minutes=later)) == {"costs": NOW + timedelta(minutes=newest)}
    store.rollups.settle("costs", (TODAY + timedelta(days=1), 0), "settled")
    assert store.rollups.newest(NOW + timedelta(days=1)) == {"costs": NOW + timedelta(minutes=20)}


def test_a_range_that_is_read_again_keeps_its_length(store: Store) -> None:
    settled = Place(TODAY, TODAY, 0)
    store.apply("costs", [entry(FIRST, 7, 1)], place=settled)
    store.apply("costs", [entry(FIRST, 7, 1), entry(FIRST, 55, 2)], [(FIRST, 0)], place=settled)
    assert store.known("costs") == [KnownRange(FIRST, 0, 60, entries=2, checksum=300, keys=3)]


def test_keys_make_a_table_of_ranges(store: Store) -> None:
    ranges.keys(store.rollups.connection, "chosen", [(FIRST, 1), (TODAY, 1439)])
    assert store.rows("FROM chosen ORDER BY ALL") == [(FIRST, 1), (TODAY, 1439)]
    ranges.keys(store.rollups.connection, "chosen", [])
    assert store.rows("FROM chosen") == []
