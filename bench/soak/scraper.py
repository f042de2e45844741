"""A scraper that scrapes continuously and checks every response."""

import gzip
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from itertools import count, cycle
from typing import Final
from urllib.request import Request, urlopen

from prometheus_client import parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families

from bench.background import beside
from bench.soak.exporter import Exporter

PLAIN, GZIP, OPENMETRICS = "plain", "gzip", "OpenMetrics"
HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    PLAIN: {},
    GZIP: {"Accept-Encoding": "gzip"},
    OPENMETRICS: {"Accept": "application/openmetrics-text; version=1.0.0"},
}
PARSED: Final = 20
"""One response in this many is parsed, because parsing takes longer than the scrape."""
PAUSE: Final = 0.05
TIMEOUT: Final = 60.0


@dataclass
class Scrapes:
    """The results of the scraper; ``slowest`` is in seconds."""

    requests: int = 0
    slowest: float = 0.0
    errors: list[str] = field(default_factory=list)


def scrape(url: str, kind: str, *, parses: bool) -> float:
    """Send one request and return the seconds until the response was complete.

    Raises:
        OSError, HTTPException: there was no response, its status was not 200, or it was incomplete.
        ValueError: it is not a valid exposition.
    """
    began = time.monotonic()
    with urlopen(Request(url, headers=dict(HEADERS[kind])), timeout=TIMEOUT) as reply:  # noqa: S310 - always http
        body = reply.read()
        took = time.monotonic() - began
        packed = reply.headers.get("Content-Encoding") == "gzip"
    check(gzip.decompress(body) if packed else body, kind, parses=parses)
    return took


def check(body: bytes, kind: str, *, parses: bool) -> None:
    """Raise ValueError unless the body is a complete exposition."""
    if not body.endswith(b"# EOF\n" if kind == OPENMETRICS else b"\n"):
        raise ValueError(f"the answer ends with {body[-40:]!r}")
    if parses:
        read = openmetrics_families if kind == OPENMETRICS else parser.text_string_to_metric_families
        for _family in read(body.decode()):
            pass


def _scrape_on(exporter: Exporter, found: Scrapes, stopped: threading.Event) -> None:
    for number, kind in zip(count(1), cycle(HEADERS)):
        if stopped.wait(PAUSE):
            return
        if life := exporter.life:
            try:
                found.slowest = max(found.slowest, scrape(exporter.program.url, kind, parses=number % PARSED == 0))
            except (OSError, HTTPException, EOFError, zlib.error, ValueError) as error:
                if exporter.life == life:
                    found.errors.append(f"{kind}: {error}")
            found.requests += 1


@contextmanager
def scraping(exporter: Exporter) -> Iterator[Scrapes]:
    """Scrape the exporter for the duration of the context, whenever it is running."""
    found = Scrapes()
    with beside(partial(_scrape_on, exporter, found)):
        yield found
