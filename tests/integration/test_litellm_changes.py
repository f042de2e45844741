"""What happens to the rows of a LiteLLM proxy: they come late, retention deletes them, and partitions take their place."""

from datetime import timedelta

import pytest

from tests.integration.litellm import LEGACY, NOW, by, call, execute, rows, wrong
from tests.integration.running import Clock, Exporter


async def test_failures_and_cache_hits_count_as_calls_without_cost(exporter: Exporter, proxy: str, clock: Clock) -> None:
    before = by(exporter.samples(), "resource_calls", "quest_id")["t-30d",]
    execute(proxy, call("f", 0, NOW, NOW) + ";" + call("abc_cache_hit1764412300.1", 0, NOW, NOW))
    clock.now += timedelta(seconds=15)
    await exporter.refresh()
    assert by(exporter.samples(), "resource_calls", "quest_id")["t-30d",] == before + 2
    assert wrong(exporter, proxy, clock) == []


@pytest.mark.parametrize("minutes", [20, 35, 50])
async def test_a_long_call_shows_within_a_minute_of_its_end(exporter: Exporter, proxy: str, clock: Clock, minutes: int) -> None:
    execute(proxy, call("long", 17.5, NOW - timedelta(minutes=minutes), NOW))
    for _ in range(4):
        clock.now += timedelta(seconds=15)
        await exporter.refresh()
    assert wrong(exporter, proxy, clock) == []
    assert max(exporter.samples()["resource_spend_usd"].values()) > 17


async def test_sums_follow_retention_in_two_refreshes(exporter: Exporter, proxy: str, clock: Clock) -> None:
    for limit in (500, 500):
        oldest = f"""DELETE FROM "LiteLLM_SpendLogs" WHERE request_id IN (SELECT request_id FROM "LiteLLM_SpendLogs"
                      WHERE "startTime" < '{NOW}'::timestamp - interval '3 days' LIMIT {limit})"""
        execute(proxy, oldest)
        clock.now += timedelta(seconds=15)
        await exporter.refresh(2)
        assert wrong(exporter, proxy, clock) == []
    first = rows(proxy, """SELECT extract(epoch FROM min("startTime"))::float FROM "LiteLLM_SpendLogs" """)[0][0]
    assert exporter.own("ledger_oldest_entry_timestamp_seconds", ledger="costs") == first


async def test_a_partitioned_table_of_the_same_name_is_built_again(exporter: Exporter, proxy: str, clock: Clock) -> None:
    execute(proxy, LEGACY.format(NOW.replace(tzinfo=None)))
    execute(proxy, call("again", 1, NOW, NOW) + ";" + call("again", 2, NOW - timedelta(days=15), NOW))
    for _ in range(2):
        clock.now += timedelta(seconds=15)
        await exporter.refresh()
        assert wrong(exporter, proxy, clock) == []
    execute(proxy, """DROP TABLE "LiteLLM_SpendLogs_p1", "LiteLLM_SpendLogs_legacy" """)
    clock.now += timedelta(seconds=15)
    await exporter.refresh(2)
    assert wrong(exporter, proxy, clock) == []
