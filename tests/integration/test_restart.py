"""The rollup file is derived and disposable: a restart, its loss or other settings change no value."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.books import read
from tests.integration.conftest import empty
from tests.integration.model import report
from tests.integration.rules import FAMILIES, Settings
from tests.integration.running import Clock, Samples, configure, differences, running
from tests.integration.strategies import FEW, ledgers

pytestmark = pytest.mark.slow
NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
# The settings that change at the restart, in the configuration and in the model.
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "timezone": ({"timezone": "Asia/Kolkata"}, {"zone": ZoneInfo("Asia/Kolkata")}),
    "waste": ({"waste": {"min_tokens": 0, "max_impact": -0.5}}, {"min_tokens": 0, "max_impact": -0.5}),
    "report": ({"report": {"top": 1, "timeline_days": 7}}, {"top": 1, "timeline_days": 7}),
    "families": (
        {"providers": {"Acme": ["^open", "m1"], "GLM": ["maximum"]}},
        {"families": (("Acme", ("^open", "m1")), ("GLM", ("maximum",)), *FAMILIES)},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@settings(FEW, max_examples=2)
@given(data=st.data())
async def test_other_settings_with_the_same_file_equal_a_new_build(
    ledger_database: str, change: str, data: st.DataObject
) -> None:
    empty(ledger_database)
    data.draw(ledgers(NOW)).write(ledger_database)
    keys, rules = CHANGES[change]
    with TemporaryDirectory() as directory:
        await _served(ledger_database, Path(directory, "rollups"))
        kept = await _served(ledger_database, Path(directory, "rollups"), **keys)
        assert differences(kept, report(read(ledger_database), Settings(**rules), NOW)) == []
        assert kept == await _served(ledger_database, Path(directory, "again"), **keys)
        assert await _served(ledger_database, Path(directory, "rollups")) == await _served(
            ledger_database, Path(directory, "default")
        )


@settings(FEW, max_examples=2)
@given(data=st.data())
async def test_a_restart_serves_the_same_values_before_the_first_refresh(ledger_database: str, data: st.DataObject) -> None:
    empty(ledger_database)
    data.draw(ledgers(NOW)).write(ledger_database)
    with TemporaryDirectory() as directory:
        state = Path(directory, "rollups")
        before = await _served(ledger_database, state)
        async with running(configure("host=/nonexistent", state), Clock(NOW)) as exporter:
            await exporter.publish_rollups()
            assert exporter.samples() == before


async def _served(conninfo: str, state: Path, **keys: Any) -> Samples:
    async with running(configure(conninfo, state, **keys), Clock(NOW)) as exporter:
        await exporter.refresh()
        return exporter.samples()
