"""Every sample equals a recomputation from all rows."""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.books import read
from tests.integration.conftest import empty
from tests.integration.model import report
from tests.integration.rules import Reading, Settings
from tests.integration.running import Clock, configure, differences, running
from tests.integration.strategies import FEW, ledgers

pytestmark = pytest.mark.slow
MOMENTS = {
    "UTC": "2026-05-14T15:20:00",
    "America/New_York spring": "2026-03-08T14:10:00",
    "America/New_York autumn": "2026-11-01T14:10:00",
    "Asia/Kolkata": "2026-05-14T00:29:59",
    "Australia/Lord_Howe": "2026-04-05T18:00:00",
    "Africa/Cairo": "2026-04-24T10:00:00",
}


def at(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize("name", MOMENTS)
@FEW
@given(data=st.data())
async def test_first_build_equals_the_recomputation(ledger_database: str, name: str, data: st.DataObject) -> None:
    zone = name.split(maxsplit=1)[0]
    now = at(zone, MOMENTS[name])
    empty(ledger_database)
    data.draw(ledgers(now)).write(ledger_database)
    with TemporaryDirectory() as directory:
        config = configure(ledger_database, Path(directory, "rollups"), timezone=zone)
        async with running(config, Clock(now)) as exporter:
            await exporter.refresh()
            books, rules = read(ledger_database), Settings(zone=ZoneInfo(zone))
            assert differences(exporter.samples(), report(books, rules, now)) == []
            reading = Reading(books, rules, now)
            for ledger in ("allocations", "costs", "impacts"):
                assert exporter.rejected(ledger) == reading.rejected(ledger), ledger
