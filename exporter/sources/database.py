"""The databases that hold the ledgers: a small pool each, and READ ONLY transactions that cannot run away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from exporter.config import Database as DatabaseConfig
from exporter.config import SecretError, conninfo
from exporter.errors import first_line
from exporter.sources.transaction import Transaction
from exporter.sources.transfer import TooLargeError, fetch

CONNECT_TIMEOUT = timedelta(seconds=5)
GRACE = timedelta(seconds=5)
"""How long after a server should have ended a statement by itself the exporter stops waiting for it."""
SILENT = "the server stopped answering"


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
            return await super().connect(conninfo, **options)
        except psycopg.OperationalError as error:
            failures[:] = [first_line(error)]
            raise


_BEGIN = sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
_ROLLBACK = sql.SQL("ROLLBACK")
_PROBE = sql.SQL("SELECT 1")


class Database:
    """One PostgreSQL. Connections are made when they are needed, so it may be absent when the exporter starts."""

    def __init__(self, config: DatabaseConfig, statement_timeout: timedelta) -> None:
        self.name = config.name
        self._config = config
        self._patience = statement_timeout + GRACE
        self._settings = _settings(statement_timeout)
        self._failures: list[str] = []
        self._pool = AsyncConnectionPool(
            self._conninfo,
            connection_class=_Connection,
            kwargs={
                "failures": self._failures,
                "cursor_factory": _Cursor,
                "autocommit": True,  # psycopg's own BEGIN would take in whatever a server sends
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
            transaction = Transaction(connection, self._patience)
            await transaction.rows(_BEGIN)
            ((transaction.now, *_),) = await transaction.rows(self._settings)
            await transaction.mark()
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
                await fetch(connection, _ROLLBACK, {})
        except (TimeoutError, psycopg.Error):
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
                await fetch(connection, _PROBE, {})
        except (TimeoutError, TooLargeError) as error:
            await connection.close()
            self._failures[:] = [SILENT if isinstance(error, TimeoutError) else str(error)]
            raise psycopg.OperationalError(*self._failures) from error
        self._failures.clear()


def _settings(statement_timeout: timedelta) -> sql.Composed:
    """Set for the transaction only, so that it works through a transaction pooler too; and ask what time it is there."""
    milliseconds = int(statement_timeout / timedelta(milliseconds=1))
    settings = {
        "TimeZone": "UTC",
        "DateStyle": "ISO",
        "extra_float_digits": "1",
        "jit": "off",  # compiling takes longer than any statement of ours that is not by far too slow
        "statement_timeout": str(milliseconds),
        "lock_timeout": str(max(1, milliseconds // 4)),
        "idle_in_transaction_session_timeout": str(milliseconds * 3),
    }
    calls = (sql.SQL("set_config({}, {}, true)").format(key, value) for key, value in settings.items())
    return sql.SQL("SELECT now(), {}").format(sql.SQL(", ").join(calls))
