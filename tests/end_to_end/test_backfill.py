"""``resource-exporter backfill``: the history is written, imported into a real TSDB and queried."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.end_to_end.process import LEDGERS, serving
from tests.end_to_end.prometheus import prometheus

FIRST = datetime.now(UTC).date() - timedelta(days=6)
Point = tuple[tuple[tuple[str, str], ...], int, float]

FLEET = """
INSERT INTO quests VALUES ('q1', 'One', 'Atlas'), ('q2', 'Two', 'Senate');
INSERT INTO quest_budget_allocations SELECT 'q' || n, current_date - back, 10 * n + back, 0
  FROM generate_series(1, 2) AS n, generate_series(0, 5) AS back;
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT now() - n * interval '37 minutes', 't' || n / 9, 'q' || 1 + n % 2, CASE n % 3 WHEN 0 THEN 'codex' ELSE 'bedrock' END,
       'm' || n % 4, 10 * n, n, CASE WHEN n % 17 = 0 THEN -0.5 WHEN n % 13 = 0 THEN NULL ELSE n * 0.0137 END
  FROM generate_series(0, 600) AS n;
"""
LIFETIME = """
SELECT 'q' || q AS quest_id, family, model, extract(epoch FROM at)::bigint, coalesce(sum(cost_usd), 0)::float8
  FROM generate_series(%(first)s::timestamptz, now(), %(step)s) AS at,
       (SELECT *, substr(quest_id, 2) AS q, CASE provider WHEN 'codex' THEN 'Codex' ELSE 'Bedrock' END AS family
          FROM cost_ledger) AS calls
 WHERE created_at < at GROUP BY 1, 2, 3, 4
"""
TODAY = """
SELECT quest_id, extract(epoch FROM at)::bigint,
       coalesce(sum(cost_usd) FILTER (WHERE created_at >= date_trunc('day', at, %(zone)s)), 0)::float8
  FROM generate_series(%(first)s::timestamptz, now(), %(step)s) AS at, cost_ledger WHERE created_at < at GROUP BY 1, 2
"""


@pytest.fixture
def fleet(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(FLEET)
    return database


def backfill(
    directory: Path, conninfo: str, *flags: str, timezone: str = "UTC", config: str = LEDGERS
) -> subprocess.CompletedProcess[str]:
    (directory / "config.yml").write_text(config.format(timezone=timezone))
    arguments = [
        "backfill",
        "--log.level=warn",
        f"--config.file={directory / 'config.yml'}",
        f"--output={directory / 'history.om'}",
        *flags,
    ]
    return subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        env=os.environ | {"LEDGERS_DSN": conninfo},
        capture_output=True,
        text=True,
        check=False,
    )


def written(directory: Path, name: str, *labels: str) -> dict[tuple[str | int, ...], float]:
    """The samples of one metric by some labels and the time."""
    text = (directory / "history.om").read_text()
    families = {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    return {
        (*(sample.labels[label] for label in labels), int(float(sample.timestamp))): sample.value
        for sample in families[name].samples
    }


@pytest.mark.parametrize("timezone, step", [("UTC", "1h"), ("Asia/Kolkata", "30m"), ("America/New_York", "1h")])
def test_every_sample_equals_plain_sql(tmp_path: Path, fleet: str, timezone: str, step: str) -> None:
    done = backfill(tmp_path, fleet, f"--from={FIRST}", f"--step={step}", timezone=timezone)
    assert (done.returncode, done.stderr) == (0, "")
    assert "promtool tsdb create-blocks-from --max-block-duration=24h openmetrics" in done.stdout
    with psycopg.connect(fleet) as connection:
        facts = {
            "first": f"{FIRST} 00:00 {timezone}",
            "step": step.replace("m", " minutes").replace("h", " hours"),
            "zone": timezone,
        }
        lifetime = {tuple(row[:4]): row[4] for row in connection.execute(LIFETIME, facts)}
        today = {tuple(row[:2]): row[2] for row in connection.execute(TODAY, facts)}
    assert written(tmp_path, "resource_spend_usd", "quest_id", "provider", "model") == pytest.approx(lifetime)
    assert written(tmp_path, "resource_quest_spend_usd", "quest_id") == pytest.approx(today)
    assert len(lifetime) > 500


def test_allocations_hold_for_their_day(tmp_path: Path, fleet: str) -> None:
    backfill(tmp_path, fleet, f"--from={FIRST}")
    found = written(tmp_path, "resource_quest_allocation_usd", "quest_id")
    today = datetime.now(UTC).date()
    expected = {
        day: {f"q{n}": 10 * n + back for n in (1, 2)} for back in range(6) if (day := today - timedelta(days=back)) >= FIRST
    }
    assert {date for *_, date in found} == {int(at) for at in hours(expected)}
    assert all(value == expected[datetime.fromtimestamp(at, UTC).date()][quest] for (quest, at), value in found.items())  # type: ignore[index, arg-type]


@pytest.mark.parametrize("missing, kinds", [(("output",), {"input"}), (("input", "output"), set())])
def test_tokens_without_a_column_have_no_history(tmp_path: Path, fleet: str, missing: tuple[str, ...], kinds: set[str]) -> None:
    columns = ", ".join(f"{kind}_tokens: null" for kind in missing)
    config = LEDGERS.replace("costs: {{database: main}}", f"costs: {{{{database: main, columns: {{{{{columns}}}}}}}}}")
    assert backfill(tmp_path, fleet, f"--from={FIRST}", config=config).returncode == 0
    text = (tmp_path / "history.om").read_text()
    assert set(re.findall(r'^resource_tokens{.*token_type="(\w+)"', text, re.MULTILINE)) == kinds
    assert ("resource_tokens" in text) == bool(kinds)


def hours(days: dict[date, dict[str, int]]) -> Iterator[float]:
    """All full hours of the days, until now."""
    for day in days:
        for hour in range(24):
            moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            if moment <= datetime.now(UTC):
                yield moment.timestamp()


def test_the_shard_is_a_label_of_every_sample(tmp_path: Path, fleet: str) -> None:
    assert backfill(tmp_path, fleet, f"--from={FIRST}", config=LEDGERS + "shard: eu\n").returncode == 0
    text = (tmp_path / "history.om").read_text()
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    samples = [sample for family in families for sample in family.samples]
    assert {sample.labels["shard"] for sample in samples} == {"eu"}
    assert {sample.name for sample in samples} > {"resource_spend_usd", "resource_quest_budget_usd"}


@pytest.mark.prometheus("prometheus", "promtool")
def test_prometheus_imports_the_history_and_continues_its_series(tmp_path: Path, fleet: str) -> None:
    with ExitStack() as stack:
        exporter = stack.enter_context(serving(tmp_path, fleet))
        backfill(tmp_path, fleet, f"--from={FIRST}", f"--instance=127.0.0.1:{exporter.port}")
        blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", "history.om", "data"]
        subprocess.run(blocks, cwd=tmp_path, check=True, capture_output=True)
        ask = stack.enter_context(prometheus(tmp_path, exporter.port))
        hour = time.time() // 3600 * 3600
        past = ask("query_range", query="sum(resource_spend_usd)", start=hour - 6 * 86400, end=hour, step=3600)
        query = "SELECT sum(cost_usd)::float8 FROM cost_ledger WHERE created_at < to_timestamp(%s)"
        with psycopg.connect(fleet) as connection:
            expected = {at: connection.execute(query, [at]).fetchone() for at, _ in past[0]["values"]}
        assert len(expected) > 6 * 20
        assert {at: (float(value),) for at, value in past[0]["values"]} == {
            at: pytest.approx(row) for at, row in expected.items()
        }
        # The scrape continues the imported series: with other labels there would be twice as many.
        ever = ask("query", query="count(last_over_time(resource_spend_usd[7d]))")[0]["value"][1]
        assert ever == ask("query", query="count(resource_spend_usd)")[0]["value"][1]


@pytest.mark.parametrize(
    "flags, line",
    [
        (["--from=soon"], "--from=soon: is not a date; fix: write it like 2026-01-31"),
        (["--from=2026-01-02", "--to=2026-01-01"], "--from=2026-01-02: must not be after --to (2026-01-01) or in the future"),
        (
            ["--from=2026-01-02", "--step=7m"],
            "--step=7m: must be one of 1m, 2m, 3m, 5m, 10m, 15m, 20m, 30m, 1h",
        ),
    ],
)
def test_a_wrong_flag_is_one_line(tmp_path: Path, flags: list[str], line: str) -> None:
    done = backfill(tmp_path, "host=/nowhere", *flags)
    assert (done.returncode, done.stderr) == (1, f"{line}\n")


def test_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    done = backfill(tmp_path, "host=/nowhere", "--from=2026-01-01", "--log.level=error")
    assert done.returncode == 1
    assert done.stderr.startswith("ledger ")
    assert not (tmp_path / "history.om").exists()


@pytest.mark.parametrize(
    "output, line",
    [
        ("config.yml", "config.yml is not a history; fix: set --output to a new file"),
        (".", "is a directory; fix: set --output to the path of a file"),
        ("nowhere/history.om", "nowhere is not a directory; fix: make it, or set --output to a file elsewhere"),
    ],
)
def test_an_output_that_is_no_history_is_refused(tmp_path: Path, output: str, line: str) -> None:
    done = backfill(tmp_path, "host=/nowhere", "--from=2026-01-01", f"--output={tmp_path / output}")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(line)
    assert (tmp_path / "config.yml").read_text() == LEDGERS.format(timezone="UTC")
