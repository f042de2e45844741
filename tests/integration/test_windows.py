"""With any windows, rankings and timeline, every section is served with the right values."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import EVER, Settings
from tests.integration.running import Clock, configure, differences, running
from tests.integration.strategies import FEW

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
ROWS = """
INSERT INTO quests VALUES ('q1', 'One', 'Atlas'), ('q2', 'Two', 'Forge');
INSERT INTO quest_budget_allocations
SELECT 'q' || 1 + n % 2, date '2026-05-14' - n / 2, 5 + n, n / 7.0 FROM generate_series(0, 90) AS n;
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT timestamptz '2026-05-14 15:00Z' - n * interval '9 hours', 't' || n % 23, 'q' || n % 4, 'p' || n % 3, 'm' || n % 2, n,
       2 * n, n / 3.0 FROM generate_series(1, 300) AS n;
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, total_tokens, cost_usd, impact_score)
SELECT timestamptz '2026-05-14 15:00Z' - n * interval '15 hours', now(), 't' || n % 29, 'q' || n % 4, 'Agora', 40 * n, n / 7.0,
       nullif(n % 4, 3) FROM generate_series(1, 200) AS n;
"""
DAYS = st.sampled_from([1, 2, 7, 30, 365]) | st.integers(1, 36_500)
WINDOWS = st.lists(st.just("lifetime") | DAYS.map("{}d".format), min_size=1, max_size=5, unique=True)
COUNTS = st.sampled_from([1, 15, 2**31 - 1]) | st.integers(1, 40)


@pytest.fixture
def filled(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(ROWS)
    return database


@FEW
@given(windows=WINDOWS, top=COUNTS, timeline_days=st.integers(1, 366))
@example(windows=["lifetime"], top=15, timeline_days=30)
@example(windows=["lifetime", "7d"], top=15, timeline_days=30)
@example(windows=["36500d", "1d"], top=2**31 - 1, timeline_days=366)
async def test_every_configuration_is_served_completely(filled: str, windows: list[str], top: int, timeline_days: int) -> None:
    chosen = {"windows": windows, "top": top, "timeline_days": timeline_days}
    spans = {window: EVER if window == "lifetime" else int(window[:-1]) for window in windows}
    settings = Settings(windows=spans, top=top, timeline_days=timeline_days)
    with TemporaryDirectory() as directory:
        async with running(configure(filled, Path(directory, "rollups"), report=chosen), Clock(NOW)) as exporter:
            await exporter.refresh()
            assert differences(exporter.samples(), report(read(filled), settings, NOW)) == []
