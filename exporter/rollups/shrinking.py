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
    """Where a copy is made: beside the file itself, not a symbolic link to it, in a directory that nobody else may read."""
    return scratch_directory(path.resolve()) / "smaller.duckdb"


def shrink(path: Path) -> None:
    """Put a copy without free blocks in the place of a file that is closed.

    Raises:
        duckdb.Error, OSError: the copy cannot be made; the file is as it was.
    """
    path = path.resolve()  # a symbolic link stays
    copy = copied(path)
    copy.parent.mkdir(0o700, exist_ok=True)
    discard(path)
    try:
        with duckdb.connect(config=SETTINGS) as connection:
            connection.execute("SET temp_directory = $directory", {"directory": str(copy.parent / "spilled")})
            for name, file in (("before", path), ("after", copy)):
                quoted = str(file).replace("'", "''")
                connection.execute(f"ATTACH '{quoted}' AS {name}")
            connection.execute("COPY FROM DATABASE before TO after")
            # Without this, the copy is written at the end of the context, where an error is not raised.
            connection.execute("CHECKPOINT after")
            connection.execute("DETACH before")
            connection.execute("DETACH after")
        _require_whole(path, copy)
        copy.chmod(0o600)
        copy.replace(path)
    finally:
        discard(path)


def discard(path: Path) -> None:
    """Remove a copy that was not finished."""
    for file in (copied(path), _log(copied(path))):
        file.unlink(missing_ok=True)


def _require_whole(*paths: Path) -> None:
    """Raise OSError where a part of a file is in its write-ahead log, because it could not be written into the file itself."""
    left = [str(_log(path)) for path in paths if _log(path).exists()]
    if left:
        raise OSError(f"{left[0]} could not be written into the file beside it")


def _log(path: Path) -> Path:
    return path.with_name(path.name + ".wal")
