"""A database that a ledger of the bench can be loaded into."""

import psycopg
import pytest
from psycopg.conninfo import make_conninfo


@pytest.fixture
def vacant(database: str) -> str:
    """The connection string of a database of the test's own, without any tables, whose days are those of UTC."""
    with psycopg.connect(database) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return make_conninfo(database, options="-c timezone=UTC")
