"""What every transaction of the exporter is like."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from exporter.config import Database as DatabaseConfig
from exporter.demo.postgres import running
from exporter.sources.database import Database, UnreachableError


def opened(conninfo: str, timeout: timedelta = timedelta(seconds=5)) -> Database:
    return Database(DatabaseConfig(name="main", dsn=conninfo), timeout)


async def test_nothing_can_be_written(database: str) -> None:
    async with opened(database) as source, source.transaction() as transaction:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await transaction.rows(sql.SQL("DELETE FROM quests"))


async def test_statements_are_ended_by_the_server(database: str) -> None:
    async with opened(database, timedelta(milliseconds=50)) as source, source.transaction() as transaction:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await transaction.rows(sql.SQL("SELECT pg_sleep(20)"))


async def test_a_lock_is_not_waited_for_long(database: str) -> None:
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE quests IN ACCESS EXCLUSIVE MODE")
        async with opened(database, timedelta(milliseconds=200)) as source, source.transaction() as transaction:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await transaction.rows(sql.SQL("SELECT count(*) FROM quests"))


async def test_it_says_who_it_is_and_sees_one_moment(database: str) -> None:
    async with opened(database) as source, source.transaction() as transaction:
        names = (
            "SELECT current_setting('application_name'), current_setting('transaction_isolation'), current_setting('TimeZone')"
        )
        assert await transaction.rows(sql.SQL(names)) == [("resource-exporter", "repeatable read", "UTC")]


async def test_no_statement_is_prepared_for_a_pooler_would_lose_it(database: str) -> None:
    async with opened(database) as source:
        for _ in range(10):
            async with source.transaction() as transaction:
                rows = await transaction.rows(sql.SQL("SELECT count(*) FROM pg_prepared_statements WHERE %(all)s"), all=True)
    assert rows == [(0,)]


async def test_a_full_disk_is_named(database: str) -> None:
    async with opened(database) as source, source.transaction() as transaction:
        with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
            await transaction.copy(sql.SQL("SELECT 1"), Path("/dev/full"))


async def test_a_failed_part_leaves_the_rest_of_the_transaction(database: str) -> None:
    async with opened(database) as source, source.transaction() as transaction:
        with pytest.raises(psycopg.errors.UndefinedTable):
            async with transaction.savepoint():
                await transaction.rows(sql.SQL("SELECT * FROM nowhere"))
        assert await transaction.rows(sql.SQL("SELECT 1")) == [(1,)]
        assert not transaction.broken


async def test_a_connection_that_was_cut_is_replaced(database: str) -> None:
    async with opened(database) as source:
        async with source.transaction() as transaction:
            ((pid,),) = await transaction.rows(sql.SQL("SELECT pg_backend_pid()"))
        with psycopg.connect(database, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        async with source.transaction() as transaction:
            assert await transaction.rows(sql.SQL("SELECT pg_backend_pid() = %(pid)s"), pid=pid) == [(False,)]


async def test_a_server_that_froze_is_given_up() -> None:
    with running() as server:
        async with opened(server.conninfo(), timedelta(milliseconds=200)) as source:
            async with source.transaction() as transaction:
                ((backend,),) = await transaction.rows(sql.SQL("SELECT pg_backend_pid()"))
            frozen = [server.pid, backend]
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            try:
                with pytest.raises((UnreachableError, TimeoutError)):
                    async with asyncio.timeout(60), source.transaction():
                        pass
            finally:
                for pid in frozen:
                    os.kill(pid, signal.SIGCONT)
            async with source.transaction() as transaction:
                assert await transaction.rows(sql.SQL("SELECT 1")) == [(1,)]


async def test_why_there_is_no_connection_is_said_without_the_password() -> None:
    async with opened("host=/nowhere password=hunter2") as source:
        with pytest.raises(UnreachableError) as failed:
            async with source.transaction():
                pass
    assert "No such file or directory" in str(failed.value)
    assert "hunter2" not in str(failed.value)
