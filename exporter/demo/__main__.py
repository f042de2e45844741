"""``python -m exporter.demo``: run the simulated fleet in an existing PostgreSQL, as ``docker-compose.yml`` does.

The environment variable ``RESOURCE_EXPORTER_DEMO_DSN`` holds the connection string.
"""

import asyncio
import os
import sys

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo

from exporter import app, logs
from exporter.demo.ledgers import live, prepare
from exporter.demo.run import VARIABLE
from exporter.errors import first_line
from exporter.sync.publication import Clock

SCHEMA = "resource_exporter_demo"
"""The schema of the ledgers. It is dropped and created at each start; other schemas are not touched."""


async def run(conninfo: str, clock: Clock) -> None:
    """Create the ledgers with a history that ends now, and keep writing until cancelled.

    Raises:
        psycopg.Error: the connection failed or was lost, or the user may not create a schema.
    """
    async with await AsyncConnection.connect(conninfo) as connection:
        await connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
    ledgers = make_conninfo(conninfo, options=f"-c search_path={SCHEMA}")
    history = await prepare(ledgers, clock())
    await live(ledgers, history.fleet, clock)


def main() -> int:
    """Run until stopped and return the exit code: 1 after an error, with one line on standard error."""
    if VARIABLE not in os.environ:
        sys.stderr.write(f"environment variable {VARIABLE} is not set; fix: set it to the connection string of a PostgreSQL\n")
        return 1
    try:
        asyncio.run(run(os.environ[VARIABLE], app.now))
    except psycopg.Error as error:
        sys.stderr.write(f"the demo cannot write to {VARIABLE}: {logs.redact(first_line(error))}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
