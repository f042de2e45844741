"""The steps of a run. Each returns its measurements by name: ``long.database_ms``, ``sql_exporter.gzip.16.per_second``."""

from collections.abc import Callable, Mapping
from typing import Final

from bench.steps.asked import aggregation, peers, plain
from bench.steps.busy import busy
from bench.steps.changes import late
from bench.steps.context import Bench, Measured
from bench.steps.history import history
from bench.steps.life import life
from bench.steps.rates import rates
from bench.steps.scrapes import scrapes
from bench.steps.text_ids import text_ids

STEPS: Final[Mapping[str, Callable[[Bench], Measured]]] = {
    "plain": plain,
    "aggregation": aggregation,
    "peers": peers,
    "life": life,
    "scrapes": scrapes,
    "history": history,
    "rates": rates,
    "late": late,
    "text_ids": text_ids,
    "busy": busy,
}
