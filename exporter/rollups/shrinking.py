"""Giving the disk back what was deleted: DuckDB uses free blocks of a file again, but does not make the file smaller."""

from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from exporter.rollups.file import SETTINGS, scratch_directory

FREE_SHARE = 0.25
LEAST_FREE = 128
"""Blocks, of 256 kB each, that must be free for a file to be copied."""
MOST_USED = 8192
"""Blocks in use beyond which a file is not copied, because no refresh can run meanwhile. What is free is used again."""
_BLOCKS = "SELECT free_blocks, total_blocks FROM pragma_database_size() WHERE database_name = current_database()"


def worthwhile(connection: DuckDBPyConnection) -> bool:
    """Whether much of the file is free, and not too much to be copied."""
    [(free, total)] = connection.execute(_BLOCKS).fetchall()
    return bool(free >= max(LEAST_FREE, total * FREE_SHARE) and total - free <= MOST_USED)


def copied(path: Path) -> Path:
    """Where a copy is made: in a directory that nobody else may read."""
    return scratch_directory(path) / "smaller.duckdb"


def shrink(path: Path) -> None:
    """Put a copy without free blocks in the place of a file that is closed.

    Raises:
        duckdb.Error, OSError: the copy cannot be made; the file is as it was.
    """
    copy = copied(path)
    copy.parent.mkdir(0o700, exist_ok=True)
    discard(path)
    try:
        with duckdb.connect(config=SETTINGS) as connection:
            for name, file in (("before", path), ("after", copy)):
                quoted = str(file).replace("'", "''")
                connection.execute(f"ATTACH '{quoted}' AS {name}")
            connection.execute("COPY FROM DATABASE before TO after")
        copy.chmod(0o600)
        copy.replace(path)
    finally:
        discard(path)


def discard(path: Path) -> None:
    """Remove a copy that was not finished."""
    for file in (copied(path), copied(path).with_suffix(".duckdb.wal")):
        file.unlink(missing_ok=True)
