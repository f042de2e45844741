"""Placing and numbering what was read."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.calendar import Calendar
from exporter.rollups import staging
from exporter.rollups.staging import Place
from tests.rollups.entries import FIRST, OPEN, TODAY, Entry, Store, at

FAR = Place(date(2030, 1, 1), date.min, 0)
UTC_DAYS = Calendar(ZoneInfo("UTC"))
MINUTE = timedelta(minutes=1)
# Moments around which the clocks change, or a day is skipped, or a day is over.
CHANGES = {
    "UTC": datetime(2026, 5, 14, 0, 0, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 5, 13, 18, 15, tzinfo=UTC),
    "Europe/Berlin": datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, 0, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 12, 30, 10, 0, tzinfo=UTC),
    "America/St_Johns": datetime(2010, 11, 7, 2, 31, tzinfo=UTC),
    "America/Santiago": datetime(2026, 9, 6, 4, 0, tzinfo=UTC),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    found = Store(tmp_path_factory.mktemp("staging"))
    yield found
    found.rollups.close()


def stage(store: Store, entries: list[Entry], place: Place, calendar: Calendar = UTC_DAYS, ledger: str = "costs") -> None:
    staging.read(store.rollups.connection, ledger, [store.files.write(ledger, entries)])
    staging.stage(store.rollups.connection, ledger, calendar, place)


@pytest.mark.parametrize("zone", CHANGES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_entries_are_placed_as_the_calendar_has_it(store: Store, zone: str, data: st.DataObject) -> None:
    calendar, reach = Calendar(ZoneInfo(zone)), timedelta(hours=50)
    offsets = data.draw(st.lists(st.timedeltas(-reach, reach), min_size=1))
    instants = [CHANGES[zone] + offset for offset in offsets]
    today = calendar.day_of(CHANGES[zone] + data.draw(st.timedeltas(-reach, reach)))
    stage(
        store,
        [{"occurred_at": each.replace(tzinfo=None), "key": n} for n, each in enumerate(instants)],
        Place(today, date.min, 0),
        calendar,
    )
    days = [calendar.day_of(each) for each in instants]
    expected = [
        (number, day, (instant - calendar.start(day)) // MINUTE, 1)
        for number, (day, instant) in enumerate(zip(days, instants, strict=True))
        if day <= today
    ]
    assert store.rows("SELECT key, day, minute, minutes FROM entries ORDER BY key") == expected


def test_a_row_without_a_time_is_staged_but_does_not_count(store: Store) -> None:
    stage(store, [{"key": 1, "rejection_reason": "infinite_time"}, {"key": 2, "occurred_at": at(TODAY, 0)}], OPEN)
    assert store.rows("SELECT key FROM staged ORDER BY key") == [(1,), (2,)]
    assert store.rows("SELECT key FROM entries") == [(2,)]


def placed(store: Store, *minutes: int, place: Place) -> list[tuple[int, int]]:
    """At which minutes ranges begin that hold entries at these minutes of the first day, and how long they are."""
    stage(store, [{"occurred_at": at(FIRST, minute, 59), "key": n} for n, minute in enumerate(minutes)], place)
    return [(minute, length) for _, minute, length in store.rows("SELECT key, minute, minutes FROM entries ORDER BY key")]


def test_hours_are_kept_by_the_minute_while_they_may_change(store: Store) -> None:
    settled = Place(TODAY, FIRST, 10)
    assert placed(store, 599, 600, 601, 725, place=settled) == [(540, 60), (600, 1), (601, 1), (725, 1)]
    assert placed(store, 599, 1439, place=Place(TODAY, TODAY, 0)) == [(540, 60), (1380, 60)]


def test_busy_hours_are_kept_in_shorter_ranges(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "COARSE", 2)
    monkeypatch.setattr(staging, "FINE", 3)
    settled = Place(TODAY, TODAY, 0)
    assert placed(store, 7, 8, place=settled) == [(0, 60), (0, 60)]
    assert placed(store, 7, 8, 14, place=settled) == [(5, 5), (5, 5), (10, 5)]
    assert placed(store, 7, 8, 14, 59, place=settled) == [(7, 1), (8, 1), (14, 1), (59, 1)]


def test_an_hour_keeps_the_length_of_its_ranges(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin("costs", "impacts")
    store.apply("costs", [{"occurred_at": at(FIRST, 61), "key": 1}], place=Place(TODAY, TODAY, 0))
    assert placed(store, 60, 119, 120, place=Place(TODAY, FIRST, 2)) == [(60, 60), (60, 60), (120, 1)]
    stage(store, [{"occurred_at": at(FIRST, 61), "key": 1, "task_id": "t"}], OPEN, ledger="impacts")
    assert store.rows("SELECT minute, minutes FROM entries") == [(61, 1)]


def test_a_name_has_one_number_however_often_it_is_read(store: Store) -> None:
    for _ in range(2):
        stage(store, [{"occurred_at": at(FIRST, 0), "task_id": f"t{n % 3}", "quest_id": "q"} for n in range(9)], OPEN)
        stage(store, [{"occurred_at": at(FIRST, 0), "task_id": "t2"}, {"occurred_at": at(FIRST, 0)}], OPEN)
        stage(store, [{"occurred_at": at(FIRST, 0), "task_id": "t1"}], OPEN, ledger="impacts")
    assert store.rows("SELECT task_id, count(*) FROM tasks GROUP BY ALL ORDER BY ALL") == [("t0", 1), ("t1", 1), ("t2", 1)]
    assert store.rows("SELECT quest_id, count(*) FROM quests GROUP BY ALL ORDER BY ALL") == [("q", 1), ("unassigned", 1)]
    numbers = store.rows("SELECT task FROM tasks UNION ALL SELECT quest FROM quests")
    assert len(numbers) == len(set(numbers))


def test_models_are_numbered_by_their_clean_names(tmp_path: Path) -> None:
    store = Store(tmp_path)
    names = [("p", "m"), ("p\x01", "m\x7f"), ("p", None), ("p", "m" * 80), ("p", "m" * 80 + "\n")]
    for _ in range(2):
        stage(store, [{"occurred_at": at(FIRST, 0), "provider": provider, "model": model} for provider, model in names], OPEN)
    assert sorted(store.rows("SELECT provider, model FROM models")) == [("p", ""), ("p", "m"), ("p", "m" * 80)]
    assert store.rows("SELECT count(*), count(DISTINCT model_key) FROM model_keys") == [(5, 3)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), min_size=1))
def test_any_text_is_read_as_it_was_written(store: Store, texts: list[str]) -> None:
    stage(store, [{"occurred_at": at(FIRST, 0), "key": n, "task_id": text} for n, text in enumerate(texts)], OPEN)
    assert store.rows("SELECT key, task_id FROM entries JOIN tasks USING (task) ORDER BY key") == list(enumerate(texts))
