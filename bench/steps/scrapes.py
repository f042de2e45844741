"""Scrapes under load, of our exporter and of the peers."""

from typing import Final

import psycopg

from bench import ours
from bench.processes import Program
from bench.questions import question
from bench.scrape import CONNECTIONS, ENCODINGS, scrape
from bench.steps.asked import installed, left_out_if_it_fails
from bench.steps.context import Bench, Measured

MAX_SERIES: Final = 10_000
_SERIES: Final = """
SELECT 'quest-' || number AS quest_id, 'Quest number ' || number AS quest, 'Forge' AS layer, '30d' AS "window",
       number::float8 AS resource_quest_spend_usd
  FROM generate_series(1, {}) AS number
"""


def scrapes(bench: Bench) -> Measured:
    """Scrapes of about 10,000 series; the peers serve as many as we do."""
    name = bench.main()
    bench.tell("scrapes of our exporter")
    limits = {"max_series": MAX_SERIES}
    with ours.serving(bench.server, name, bench.directory, ours.SELDOM, limits=limits) as program:
        ours.refreshed(program)
        count = ours.series(program)
        found = {"ours.series": float(count), **_load(bench, "ours", program)}
    with psycopg.connect(bench.server.conninfo(name)) as connection:
        asked = [question(connection, "quest_spend", _SERIES.format(count))]
    for peer in installed():
        bench.tell(f"scrapes of {peer.name}")
        url = bench.url(name, bench.role(peer.role))
        with left_out_if_it_fails(bench), peer.running(asked, url, bench.directory) as program:
            peer.refresh(program, asked)
            found |= _load(bench, peer.name, program)
    return found


def _load(bench: Bench, name: str, program: Program) -> Measured:
    found: Measured = {}
    for encoding in ENCODINGS:
        for connections in CONNECTIONS:
            load = scrape(program.url, encoding, connections, bench.size.scraping)
            key = f"{name}.{encoding}.{connections}"
            found |= {f"{key}.p50_ms": load.p50_ms, f"{key}.p99_ms": load.p99_ms, f"{key}.per_second": load.per_second}
    return found
