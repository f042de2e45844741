"""Taking over what PostgreSQL sends, in bounded amounts: small results into memory, large ones into a file."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import AsyncConnection, AsyncCopy, generators, pq, sql, waiting
from psycopg.abc import Buffer, PQGen
from psycopg.rows import TupleRow

BUFFER = 256 * 1024
"""Bytes that are written to a file at once."""
ROWS_AT_ONCE = 4096
BYTES_AT_ONCE = 1024 * 1024
"""Rows or bytes of a large result that are received before other tasks of the event loop may run."""
PAUSE = 0.0005
"""Seconds in which rows gather: to be woken for every few of them costs more than they do."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """What one statement may send, in rows and in bytes of their text."""

    rows: int
    size: int


FETCHED = Limit(rows=100_000, size=32 * 1024 * 1024)
"""Of results that are kept in memory."""
BATCH = Limit(rows=250_000, size=32 * 1024 * 1024)
"""Of results that are written to a file and go into the rollups in one step."""
LARGE = Limit(rows=5_000_000, size=1024 * 1024 * 1024)
"""Of results that are written to a file and cannot be split."""
CHUNK = 500 if pq.version() >= 170_000 else 1
"""Rows that libpq hands over at a time; older ones know no chunks."""


class TooLargeError(psycopg.DataError):
    """A statement sent more than its limit."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(f"the server sent more than {limit.rows:,} rows or {limit.size >> 20:,} MB for one statement")


async def fetch(connection: AsyncConnection[TupleRow], query: sql.SQL | sql.Composed, parameters: dict[str, Any]) -> list[Row]:
    """All rows of a small result, none for a statement without one; taken over as they arrive, for libpq would collect them.

    Raises:
        TooLargeError: the result goes beyond the limit of what is kept in memory; the connection is closed then.
    """
    found: list[Row] = []
    size = 0
    async with connection.cursor() as cursor:
        rows = cast("AsyncGenerator[Row, None]", cursor.stream(query, parameters, size=CHUNK))
        try:
            async with aclosing(rows):
                async for row in rows:
                    found.append(row)
                    size += sum(len(value) for value in row if isinstance(value, str))
                    if len(found) > FETCHED.rows or size > FETCHED.size:
                        await connection.close()  # no statement of ours does that, so there may be no end to it
                        raise TooLargeError(FETCHED)
        except psycopg.ProgrammingError as error:
            if error.sqlstate:  # none where psycopg itself says that a statement has no result
                raise
    return found


async def copy_out(
    connection: AsyncConnection[TupleRow], query: sql.SQL | sql.Composed, parameters: dict[str, Any], target: Path, limit: Limit
) -> int:
    """Stream a result into a CSV file in UTF-8, in which NULL is nothing and an empty text is ``""``.

    Returns the number of rows. Raises:
        TooLargeError: there are more rows or bytes than ``limit``.
    """
    raw = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
    options = sql.SQL("FORMAT csv, ENCODING {}").format("SQL_ASCII" if raw else "UTF8")
    statement = sql.SQL("COPY ({}) TO STDOUT ({})").format(query, options)
    async with connection.cursor() as cursor:
        with _naming(target), target.open("wb", BUFFER) as file:
            # Psycopg takes %% for % only where there are parameters, and statements double it throughout.
            async with cursor.copy(statement, parameters or {"": None}) as copy:
                write = (lambda row: file.write(_utf8(row))) if raw else file.write
                return await _receive(copy, write, limit)


async def _receive(copy: AsyncCopy, write: Callable[[Buffer], int], limit: Limit) -> int:
    """Hand on all rows of a COPY and return how many there were, or raise psycopg.Error.

    Psycopg's own way, a coroutine for each row, takes six times as long: most of it to be woken for every few kilobytes.
    """
    connection = copy.connection.pgconn
    rows = size = 0
    while (taken := _take(connection, write)) is not None:
        rows, size = rows + taken[0], size + taken[1]
        if rows > limit.rows or size > limit.size:
            raise TooLargeError(limit)
        await (asyncio.sleep(PAUSE) if taken[0] else copy.connection.wait(_readable()))
    copy._finished = True  # noqa: SLF001
    result = (await copy.connection.wait(generators.fetch_many(connection)))[-1]
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result, encoding=copy.connection.info.encoding)
    return result.command_tuples or 0


def _take(connection: pq.abc.PGconn, write: Callable[[Buffer], int]) -> tuple[int, int] | None:
    """Hand on rows that have arrived, and return how many, and their size in bytes; None when that was all."""
    rows, size, taken_in = 0, 0, False
    while rows < ROWS_AT_ONCE and size < BYTES_AT_ONCE:
        length, row = connection.get_copy_data(1)
        if length < 0:
            return None
        if length:
            size += write(row)
            rows += 1
            taken_in = False
        elif taken_in:
            break
        else:
            connection.consume_input()
            taken_in = True
    return rows, size


def _readable() -> PQGen[None]:
    while not (yield waiting.WAIT_R):
        pass


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Let an error tell which file could not be written: that of a full disk does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(target)
        raise


def _utf8(row: Buffer) -> bytes:
    r"""A row of a SQL_ASCII database, whose texts may be of any encoding or of none: what is no UTF-8 becomes ``\xe9``."""
    return str(row, "utf-8", "backslashreplace").encode()
