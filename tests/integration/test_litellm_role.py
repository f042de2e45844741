"""The GRANTs of docs/litellm.md are enough and not more: no prompt and no answer can be read, and nothing is added."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from exporter.profiles import read
from tests.conftest import ROOT
from tests.integration.litellm import LEGACY, NOW, checked, execute, rows, served, teams, wrong
from tests.integration.running import Clock, running

GRANTS = re.findall(
    r"^```sql\n(CREATE ROLE .*?)^```$", (ROOT / "docs/litellm.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)[0]
TEXTS = ("messages", "response", "proxy_server_request")


@pytest.fixture
def role(proxy: str) -> Iterator[str]:
    """The name of a role without any privilege; those of PUBLIC are revoked."""
    name = f"reader_{uuid4().hex}"
    execute(proxy, f"CREATE ROLE {name} LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC")
    yield name
    execute(proxy, f"DROP OWNED BY {name}; DROP ROLE {name}")


def documented(proxy: str, role: str) -> str:
    """The SQL of the page, for this role and database."""
    statements = re.sub(r"\bresource_exporter\b", role, GRANTS.partition(";\n")[2])
    return statements.replace("DATABASE litellm", f"DATABASE {conninfo_to_dict(proxy)['dbname']}")


async def test_the_grants_of_the_page_are_enough_and_hide_the_texts(proxy: str, role: str, tmp_path: Path) -> None:
    execute(proxy, documented(proxy, role))
    objects = "SELECT count(*), max(oid)::bigint FROM pg_class"
    before = rows(proxy, objects)
    reader, clock = make_conninfo(proxy, user=role), Clock(NOW)
    config = teams(reader, tmp_path / "rollups")
    warned = await checked(config)
    assert warned.count("fix:") == 1  # that ids are no numbers, so that corrections of old rows come with the audit
    async with running(config, clock) as exporter:
        await served(exporter, clock)
        assert wrong(exporter, proxy, clock) == []
    assert rows(proxy, objects) == before
    with psycopg.connect(reader, autocommit=True) as connection:
        for column in (*TEXTS, "*", '"SpendLogs"'):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f'SELECT {column} FROM "LiteLLM_SpendLogs" AS "SpendLogs"'.encode())


async def test_a_partitioned_table_needs_the_grants_again(proxy: str, role: str, tmp_path: Path) -> None:
    execute(proxy, documented(proxy, role))
    clock = Clock(NOW)
    async with running(teams(make_conninfo(proxy, user=role), tmp_path / "rollups"), clock) as exporter:
        await exporter.refresh()
        execute(proxy, LEGACY.format(NOW.replace(tzinfo=None)))
        clock.now += timedelta(seconds=15)
        refused = (await exporter.last_errors())["costs"]
        assert 'GRANT SELECT (request_id, spend, prompt_tokens, completion_tokens, "startTime"' in refused
        execute(proxy, documented(proxy, role))
        await exporter.refresh(2)
        assert wrong(exporter, proxy, clock) == []


def test_no_column_is_granted_that_the_profile_does_not_name() -> None:
    ledgers = yaml.safe_load(read("litellm"))["ledgers"]
    named = set(re.findall(r"\w+", " ".join(ledger["query"] for ledger in ledgers.values())))
    granted = {column for listed in re.findall(r"SELECT \(([^)]*)\)", GRANTS) for column in re.findall(r"\w+", listed)}
    assert granted <= named
    assert not named & set(TEXTS)
    assert "*" not in "".join(ledger["query"].replace("SELECT *, floor", "").replace(" * ", "") for ledger in ledgers.values())


async def test_the_grants_that_check_prints_are_enough_too(proxy: str, role: str, tmp_path: Path) -> None:
    execute(proxy, f"GRANT USAGE ON SCHEMA public TO {role}")
    config = teams(make_conninfo(proxy, user=role), tmp_path / "rollups")
    for _ in range(4):
        printed = re.findall(r"GRANT [^;\n]*", await checked(config))
        execute(proxy, ";".join(printed) or "SELECT")
    assert "GRANT" not in await checked(config)
    readable = "SELECT has_column_privilege('{}', '\"LiteLLM_SpendLogs\"', '{}', 'SELECT')"
    assert [rows(proxy, readable.format(role, column)) for column in ("spend", *TEXTS)] == [[(True,)], *[[(False,)]] * 3]
