"""The soak test: its faults, its proxy, its scraper, and the comparison with plain SQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import psycopg
import pytest

from bench.ledger import Shape
from bench.soak import scraper
from bench.soak.compare import differences
from bench.soak.exporter import traceback
from bench.soak.faults import FAULTS, deal
from bench.soak.network import Mode, network
from bench.soak.report import Report
from bench.soak.run import Findings, Held, Plan, soak
from bench.soak.scraper import Scrapes
from exporter.demo.postgres import running

SPEND = ("resource_quest_spend_usd", frozenset({("quest_id", "q1"), ("window", "1d")}))
CALLS = ("resource_provider_calls", frozenset({("provider", "Codex"), ("window", "1d")}))
PLAN = Plan(seconds=0, seed=7, shape=Shape(days=9, rate=300), lasting=(0.5, 1.0))
FINDINGS = Findings(
    survived={"table locked": 2, "exporter killed": 1},
    writes={"called": 90},
    scrapes=Scrapes(requests=1200, slowest=0.25),
    compared=5000,
    differences=[],
    tracebacks=[],
    start=Held(120.0, 20),
    end=Held(125.0, 21),
    peak_mb=180.0,
)


@pytest.mark.slow
def test_a_short_soak_passes(tmp_path: Path) -> None:
    kinds = [fault for fault in FAULTS if fault.name in {"PostgreSQL killed", "exporter killed"}]
    told: list[str] = []
    with running() as server:
        findings = soak(server, replace(PLAN, faults=kinds), tmp_path, told.append)
    assert findings.differences == []
    assert findings.scrapes.errors == []
    assert findings.tracebacks == []
    assert findings.survived == {"PostgreSQL killed": 1, "exporter killed": 1}
    assert findings.compared > 3000
    assert findings.scrapes.requests > 20
    assert sum(findings.writes.values()) > 5
    assert told[0] == "loading 2,700 calls of 9 days"


def test_every_difference_is_reported() -> None:
    assert differences({SPEND: 1.0, CALLS: 3.0}, {SPEND: 1.0, CALLS: 3.0}) == []
    assert differences({SPEND: 1.001, CALLS: 3.0}, {SPEND: 1.0}) == [
        'resource_provider_calls{provider="Codex", window="1d"} is 3.0, by plain SQL None',
        'resource_quest_spend_usd{quest_id="q1", window="1d"} is 1.001, by plain SQL 1.0',
    ]


def test_every_kind_of_fault_occurs_before_any_is_repeated() -> None:
    names = [fault.name for hand in islice(deal(Random(1), FAULTS), 100) for fault in hand]
    for start in range(0, 60, len(FAULTS)):
        assert sorted(names[start : start + len(FAULTS)]) == sorted(fault.name for fault in FAULTS)


def test_simultaneous_faults_affect_different_parts() -> None:
    hands = list(islice(deal(Random(1), FAULTS), 100))
    assert {len(hand) for hand in hands} == {1, 2}
    assert all(len({fault.part for fault in hand}) == len(hand) for hand in hands)


@pytest.mark.parametrize(
    "body, kind, said",
    [
        (b"a 1\nb 2", scraper.PLAIN, r"the answer ends with b'a 1\\nb 2'"),
        (b"a 1\n", scraper.OPENMETRICS, r"the answer ends with b'a 1\\n'"),
        (b"a 1\nb {\n", scraper.GZIP, "could not convert string to float"),
    ],
)
def test_an_incomplete_response_is_an_error(body: bytes, kind: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        scraper.check(body, kind, parses=True)


@pytest.mark.parametrize("kind, body", [(scraper.PLAIN, b"a 1\n"), (scraper.OPENMETRICS, b"a 1\n# EOF\n")])
def test_a_complete_response_is_no_error(kind: str, body: bytes) -> None:
    scraper.check(body, kind, parses=True)


def test_the_network_resets_connections_and_works_again(postgres: str) -> None:
    with network(postgres) as way:
        connection = psycopg.connect(way.conninfo, autocommit=True)
        with way.failing(Mode.RESET), pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        with psycopg.connect(way.conninfo) as again:
            assert again.execute("SELECT 1").fetchone() == (1,)


def test_data_held_back_by_the_network_arrive_later(postgres: str) -> None:
    with (
        network(postgres) as way,
        psycopg.connect(way.conninfo, autocommit=True) as connection,
        ThreadPoolExecutor() as executor,
    ):
        with way.failing(Mode.SILENT):
            asked = executor.submit(connection.execute, "SELECT 1")
            with pytest.raises(TimeoutError):
                asked.result(timeout=0.1)
        assert asked.result().fetchone() == (1,)


def test_the_network_survives_a_server_that_is_down(tmp_path: Path) -> None:
    with network(f"host={tmp_path}") as way:
        for _ in range(2):
            with pytest.raises(psycopg.OperationalError, match="closed the connection unexpectedly"):
                psycopg.connect(way.conninfo)


def test_the_page_and_the_json(tmp_path: Path) -> None:
    report = Report(PLAN, {"memory": "8 GB"}, FINDINGS)
    report.write(tmp_path / "SOAK.md")
    page = (tmp_path / "SOAK.md").read_text()
    assert "| samples compared, of which differ | 5,000, 0 |" in page
    assert "| table locked | 2 |" in page
    assert page.endswith("\n\nall 5,000 samples equal plain SQL, and every scrape succeeded\n")
    assert json.loads((tmp_path / "SOAK.json").read_text())["findings"]["survived"] == {"table locked": 2, "exporter killed": 1}


def test_a_soak_with_a_difference_fails() -> None:
    findings = replace(FINDINGS, differences=["one"], scrapes=Scrapes(errors=["two", "three"]))
    assert not findings.passed
    assert Report(PLAN, {}, findings).conclusion == (
        "FAILED: 1 samples that differ from plain SQL, 2 failed scrapes, 0 unexpected errors in the log"
    )


@pytest.mark.parametrize(
    "line, told",
    [
        ('{"level": "warning", "msg": "ledger cannot be read", "error": "no"}', None),
        ('{"msg": "section failed", "exception": "Traceback\\nduckdb.IOException: damaged"}', None),
        ('{"msg": "refresh failed", "exception": "Traceback\\nKeyError: 1"}', "refresh failed: KeyError: 1"),
        ("Segmentation fault", "Segmentation fault"),
    ],
)
def test_unexpected_errors_are_found_in_the_log(line: str, told: str | None) -> None:
    assert traceback(line) == told
