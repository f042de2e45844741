"""A known ledger in PostgreSQL servers that the tests may kill."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pytest

from exporter.demo.postgres import NO_SETTINGS, Server, running
from tests.conftest import LEDGER, SCHEMA

HBA = "local all reader scram-sha-256\nlocal all all trust\n"
ROLE = "CREATE ROLE reader LOGIN PASSWORD 'hunter2'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"


@contextmanager
def filled(settings: Mapping[str, str] = NO_SETTINGS) -> Iterator[Server]:
    """A PostgreSQL with the known ledger."""
    with running(settings=settings) as server:
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute(SCHEMA.read_bytes() + LEDGER.read_bytes())
        yield server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL with the known ledger and a role ``reader`` that needs a password."""
    with filled() as server:
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute(ROLE)
        (server.directory / "data/pg_hba.conf").write_text(HBA)
        server.restart()
        yield server


@pytest.fixture(scope="module")
def victim() -> Iterator[Server]:
    """A second server with the same rows."""
    with filled() as server:
        yield server
