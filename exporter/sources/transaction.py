"""An open transaction of a database: its statements, each with a limit on time, and its savepoints."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from exporter.sources.transfer import BATCH, Limit, Row, copy_out, fetch

T = TypeVar("T")


class Transaction:
    """An open transaction. Each statement ends within the statement timeout, even when the server has stopped answering."""

    def __init__(self, connection: AsyncConnection[TupleRow], patience: timedelta) -> None:
        self._connection = connection
        self._patience = patience.total_seconds()
        self.now = datetime.now(UTC)
        """When the transaction began, by the clock of the server."""
        self._answers: dict[Callable[[Transaction], Awaitable[Any]], Any] = {}

    async def once(self, question: "Callable[[Transaction], Awaitable[T]]") -> T:
        """The answer to a question that has one answer for all of the transaction."""
        if question not in self._answers:
            self._answers[question] = await question(self)
        answer: T = self._answers[question]
        return answer

    @property
    def broken(self) -> bool:
        """Whether the connection is lost, and not just a statement failed."""
        return self._connection.closed

    async def rows(self, query: sql.SQL | sql.Composed, **parameters: Any) -> list[Row]:
        """All rows of a small result; none for a statement without a result.

        Raises:
            TooLargeError: the result is not small.
        """
        async with asyncio.timeout(self._patience):
            return await fetch(self._connection, query, parameters)

    async def columns(self, query: sql.Composed) -> list[tuple[str, int]]:
        """The name and the type, by its oid, of each column of a query that returns no rows."""
        async with asyncio.timeout(self._patience), self._connection.cursor() as cursor:
            await cursor.execute(query, {})
            return [(column.name, column.type_code) for column in cursor.description or ()]

    async def copy(self, query: sql.SQL | sql.Composed, target: Path, limit: Limit = BATCH, **parameters: Any) -> int:
        """Stream a result into a CSV file in UTF-8, in which NULL is nothing and an empty text is ``""``.

        Returns the number of rows. Raises:
            TooLargeError: there are more rows or bytes than ``limit``.
        """
        async with asyncio.timeout(self._patience):
            return await copy_out(self._connection, query, parameters, target, limit)

    async def mark(self) -> None:
        """Set the point to which :meth:`attempt` goes back. What was locked before it stays locked."""
        await self.rows(sql.SQL("SAVEPOINT mark"))

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """A part after :meth:`mark` that may fail, for a PostgreSQL reason, without ending the whole transaction."""
        try:
            yield
        except psycopg.Error:
            if not self.broken:
                await self.rows(sql.SQL("ROLLBACK TO SAVEPOINT mark"))
            raise

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail, for a PostgreSQL reason, without undoing what was done before it."""
        await self.mark()
        async with self.attempt():
            yield
