"""A ledger on one server, and a second server that has it as foreign tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from exporter.demo.postgres import Server, running
from tests.distributed.servers import PART, DebianServer, create, divide, link


@dataclass(frozen=True)
class Linked:
    """``near`` has the tables of ``far`` as foreign tables: connection strings."""

    near: str
    far: str
    server: Server
    """That with the rows."""


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Server, Server]]:
    """Two servers, which run as the same account."""
    with running(kind=DebianServer) as near, running(kind=DebianServer) as far:
        yield near, far


@pytest.fixture(params=["foreign tables", "foreign partitions"])
def linked(servers: tuple[Server, Server], request: pytest.FixtureRequest) -> Linked:
    """Empty ledgers, by foreign tables or by foreign partitions of a month."""
    near, far = servers
    name = f"ledgers_{uuid4().hex}"
    rows = create(far, name)
    divide(rows, PART, numbered=True)
    conninfo = create(near, name)
    link(conninfo, far, name, parts=request.param == "foreign partitions")
    return Linked(conninfo, rows, far)
