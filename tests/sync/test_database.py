"""What one refresh leaves to the next."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.integration.running import Clock, configure, running


async def test_what_was_read_and_not_used_is_removed_by_the_next_refresh(known_ledger: str, tmp_path: Path) -> None:
    read = tmp_path / "rollups.reading"
    async with running(configure(known_ledger, tmp_path / "rollups"), Clock(datetime.now(UTC))) as exporter:
        await exporter.refresh()
        with psycopg.connect(known_ledger) as connection:
            connection.execute("UPDATE quests SET name = name || '!'")
        exporter.execute("ALTER TABLE names RENAME TO elsewhere")
        await exporter.attempt()
        assert [file.name for file in read.iterdir()] == ["quests.csv"]
        exporter.execute("ALTER TABLE elsewhere RENAME TO names")
        await exporter.refresh()
        assert list(read.iterdir()) == []
