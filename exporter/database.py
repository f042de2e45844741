"""The databases that hold the ledgers: a small pool each, and READ ONLY transactions that cannot run away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, AsyncCopy, AsyncCursor, generators, pq, sql, waiting
from psycopg.abc import Buffer, PQGen
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from exporter.config import Database as DatabaseConfig
from exporter.config import SecretError, conninfo

CONNECT_TIMEOUT = timedelta(seconds=5)
GRACE = timedelta(seconds=5)
"""How long after a server should have ended a statement by itself the exporter stops waiting for it."""
BUFFER = 256 * 1024
"""Bytes that are written to a file at once."""
ROWS_AT_ONCE = 4096
"""After so many rows of a large result, others have their turn, as they have whenever there is nothing to take."""
PAUSE = 0.0005
"""Seconds in which rows gather: to be woken for every few of them costs more than they do."""
SILENT = "the server stopped answering"

Row = tuple[Any, ...]


class UnreachableError(Exception):
    """No connection could be made; the message says why, without credentials."""


class _Cursor(AsyncCursor[TupleRow]):
    """A cursor over the extended protocol, which takes one statement at a time.

    Of several in one string, such as a filter may smuggle in, the first could end the READ ONLY transaction.
    """

    def _execute_send(self, query: Any, **options: Any) -> None:  # noqa: ANN401 - psycopg keeps the type to itself
        super()._execute_send(query, **options | {"force_extended": True})


class _Connection(AsyncConnection[TupleRow]):
    """A connection that leaves its reason behind when it cannot be made; the pool itself only ever says "timeout"."""

    @classmethod
    async def connect(cls, conninfo: str = "", *, failures: list[str], **options: Any) -> Self:  # type: ignore[override]
        try:
            connection = await super().connect(conninfo, **options)
        except psycopg.OperationalError as error:
            failures[:] = [first_line(error)]
            raise
        failures.clear()
        return connection


class Transaction:
    """An open transaction. Each statement ends within the statement timeout, even when the server has stopped answering."""

    def __init__(self, connection: _Connection, patience: timedelta) -> None:
        self._connection = connection
        self._patience = patience.total_seconds()

    @property
    def broken(self) -> bool:
        """Whether the connection is lost, and not just a statement failed."""
        return self._connection.closed

    async def rows(self, query: sql.SQL | sql.Composed, **parameters: Any) -> list[Row]:
        """All rows of a small result; none for a statement without a result."""
        async with asyncio.timeout(self._patience):
            cursor = await self._connection.execute(query, parameters)
            return await cursor.fetchall() if cursor.description else []

    async def copy(self, query: sql.SQL | sql.Composed, target: Path, **parameters: Any) -> int:
        """Stream a result of any size into a CSV file in UTF-8, in which NULL is nothing and an empty text is ``""``.

        Returns the number of rows.
        """
        raw = self._connection.info.parameter_status("server_encoding") == "SQL_ASCII"
        options = sql.SQL("FORMAT csv, ENCODING {}").format("SQL_ASCII" if raw else "UTF8")
        statement = sql.SQL("COPY ({}) TO STDOUT ({})").format(query, options)
        async with self._connection.cursor() as cursor:
            with _naming(target), target.open("wb", BUFFER) as file:
                # Psycopg takes %% for % only where there are parameters, and statements double it throughout.
                async with asyncio.timeout(self._patience), cursor.copy(statement, parameters or {"": None}) as copy:
                    write = (lambda row: file.write(_utf8(row))) if raw else file.write
                    return await _receive(copy, write)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail, for a PostgreSQL reason, without ending the whole transaction."""
        await self.rows(sql.SQL("SAVEPOINT part"))
        try:
            yield
        except psycopg.Error:
            if not self.broken:
                await self.rows(sql.SQL("ROLLBACK TO SAVEPOINT part"))
            raise
        await self.rows(sql.SQL("RELEASE SAVEPOINT part"))


async def _receive(copy: AsyncCopy, write: Callable[[Buffer], object]) -> int:
    """Hand on all rows of a COPY and return how many there were, or raise psycopg.Error.

    Psycopg's own way, a coroutine for each row, takes six times as long: most of it to be woken for every few kilobytes.
    """
    connection = copy.connection.pgconn
    while (rows := _take(connection, write)) is not None:
        await (asyncio.sleep(PAUSE) if rows else copy.connection.wait(_readable()))
    copy._finished = True  # noqa: SLF001
    result = (await copy.connection.wait(generators.fetch_many(connection)))[-1]
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result, encoding=copy.connection.info.encoding)
    return result.command_tuples or 0


def _take(connection: pq.abc.PGconn, write: Callable[[Buffer], object]) -> int | None:
    """Hand on rows that have arrived, and return how many; None when that was all."""
    rows, taken_in = 0, False
    while rows < ROWS_AT_ONCE:
        size, row = connection.get_copy_data(1)
        if size < 0:
            return None
        if size:
            write(row)
            rows += 1
            taken_in = False
        elif taken_in:
            break
        else:
            connection.consume_input()
            taken_in = True
    return rows


def _readable() -> PQGen[None]:
    while not (yield waiting.WAIT_R):
        pass


class Database:
    """One PostgreSQL. Connections are made when they are needed, so it may be absent when the exporter starts."""

    def __init__(self, config: DatabaseConfig, statement_timeout: timedelta) -> None:
        self.name = config.name
        self._config = config
        self._patience = statement_timeout + GRACE
        self._begin = _settings(statement_timeout)
        self._failures: list[str] = []
        self._pool = AsyncConnectionPool(
            self._conninfo,
            connection_class=_Connection,
            kwargs={
                "failures": self._failures,
                "cursor_factory": _Cursor,
                "client_encoding": "UTF8",
                "application_name": "resource-exporter",
                "prepare_threshold": None,  # behind a transaction pooler, the next transaction may be on another connection
                "connect_timeout": int(CONNECT_TIMEOUT.total_seconds()),
                "tcp_user_timeout": int(self._patience / timedelta(milliseconds=1)),
            },
            min_size=0,
            max_size=2,
            timeout=(CONNECT_TIMEOUT + timedelta(seconds=1)).total_seconds(),
            reconnect_timeout=CONNECT_TIMEOUT.total_seconds(),
            check=self._check,
            num_workers=1,
            name=self.name,
            open=False,
        )

    async def __aenter__(self) -> Self:
        """Start the pool. Makes no connection yet."""
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A REPEATABLE READ, READ ONLY transaction: all its statements see the ledgers at one moment.

        Raises:
            UnreachableError: no connection within a few seconds.
            psycopg.Error: a statement failed, or the connection was lost.
            TimeoutError: the server stopped answering.
        """
        connection = await self._connect()
        try:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            await connection.set_read_only(True)
            transaction = Transaction(connection, self._patience)
            await transaction.rows(self._begin)
            yield transaction
        except TimeoutError as error:
            await connection.close()
            raise TimeoutError(SILENT) from error
        except asyncio.CancelledError:
            await connection.close()
            raise
        finally:
            await self._give_back(connection)

    async def _give_back(self, connection: _Connection) -> None:
        """End the transaction, in which nothing can have been written, and let the pool have its connection."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT.total_seconds()):
                await connection.rollback()
        except (TimeoutError, psycopg.OperationalError):
            await connection.close()
        await self._pool.putconn(connection)

    async def _connect(self) -> _Connection:
        try:
            return await self._pool.getconn()
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise UnreachableError(*self._failures or [first_line(error)]) from error

    async def _conninfo(self) -> str:
        """Read at every connect, so that a rotated password needs no restart."""
        try:
            return conninfo(self._config)
        except SecretError as error:
            self._failures[:] = [str(error)]
            raise psycopg.OperationalError(str(error)) from error

    async def _check(self, connection: AsyncConnection[TupleRow]) -> None:
        """Whether a connection from before still works. The pool itself would wait for ever for a server that has frozen."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT.total_seconds()):
                await AsyncConnectionPool.check_connection(connection)
        except TimeoutError as error:
            await connection.close()
            self._failures[:] = [SILENT]
            raise psycopg.OperationalError(SILENT) from error


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Let an error tell which file could not be written: that of a full disk does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(target)
        raise


def first_line(error: BaseException) -> str:
    """What PostgreSQL or libpq said, without the statement and the hints that follow."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _utf8(row: Buffer) -> bytes:
    r"""A row of a SQL_ASCII database, whose texts may be of any encoding or of none: what is no UTF-8 becomes ``\xe9``."""
    return str(row, "utf-8", "backslashreplace").encode()


def _settings(statement_timeout: timedelta) -> sql.Composed:
    """Set for the transaction only, so that it works through a transaction pooler too."""
    milliseconds = int(statement_timeout / timedelta(milliseconds=1))
    settings = {
        "TimeZone": "UTC",
        "DateStyle": "ISO",
        "statement_timeout": str(milliseconds),
        "lock_timeout": str(max(1, milliseconds // 4)),
        "idle_in_transaction_session_timeout": str(milliseconds * 3),
    }
    calls = (sql.SQL("set_config({}, {}, true)").format(key, value) for key, value in settings.items())
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls))
