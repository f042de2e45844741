"""The history of the gauges, computed from buckets of one step."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import groupby
from pathlib import Path

from duckdb import DuckDBPyConnection

from exporter.backfill.budgets import BudgetHistory
from exporter.backfill.series import Row, Sample, Series, fetched, held
from exporter.backfill.span import Span
from exporter.metrics import Metric
from exporter.rollups.staging import bucket, microseconds, read
from exporter.sections import allocation, spend

_TABLE = """
CREATE OR REPLACE TEMP TABLE history (
    bucket INTEGER, quest INTEGER, model_key INTEGER, calls HUGEINT, usd DECIMAL(38, 15), input HUGEINT, output HUGEINT
)
"""
_LOAD = """
INSERT INTO history
SELECT bucket, q.quest, m.model_key, sum(calls), sum(usd), sum(input_tokens), sum(output_tokens)
  FROM (SELECT {bucket} AS bucket, quest_id, provider, model, sum(coalesce(calls, 1)) AS calls, coalesce(sum(usd), 0) AS usd,
               coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(output_tokens), 0) AS output_tokens
          FROM staged WHERE rejection_reason IS NULL GROUP BY ALL) AS s
  JOIN quests AS q ON q.quest_id = coalesce(s.quest_id, 'unassigned')
  JOIN models AS m ON m.provider = clean(s.provider) AND m.model = clean(s.model)
 GROUP BY ALL
"""
_CELLS = """
SELECT quest_id, name, layer, provider, model, bucket, sum({column})
  FROM history JOIN quest_labels USING (quest) JOIN model_labels USING (model_key) GROUP BY ALL ORDER BY ALL
"""
_QUESTS = """
SELECT quest_id, name, layer, bucket, sum(usd) FROM history JOIN quest_labels USING (quest) GROUP BY ALL ORDER BY ALL
"""
_ALLOCATIONS = """
SELECT quest_id, name, layer, day, sum(allocated_usd) FROM allocated($first, $last) JOIN quest_labels USING (quest)
 WHERE allocated_usd IS NOT NULL GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class History:
    """The buckets of a span, in temporary tables of the rollup file, next to the labels of today's report."""

    connection: DuckDBPyConnection
    span: Span
    available: Collection[Metric]
    """The metrics whose ledgers and columns are configured."""
    token_types: Collection[str]
    whole_days: bool
    """Whether the ledger of costs tells days only."""
    budgets: BudgetHistory

    def begin(self) -> None:
        """Create the table that :meth:`load` fills, and find the budgets of the span."""
        self.connection.execute(_TABLE)
        self.budgets.prepare()

    def load(self, files: list[Path]) -> None:
        """Sum up files of entries by bucket. Buckets count from the first moment of the span; earlier ones are negative."""
        read(self.connection, "costs", files, self.span.calendar if self.whole_days else None)
        load = _LOAD.format(bucket=bucket(self.span.step, "$origin"))
        self.connection.execute(load, {"origin": microseconds(self.span.first)})

    def families(self) -> Iterator[tuple[Metric, Iterator[Series]]]:
        """The available metrics that can be backfilled, with their series."""
        past: dict[Metric, Callable[[], Iterator[Series]]] = {
            spend.SPEND: partial(self._lifetime, "usd"),
            spend.CALLS: partial(self._lifetime, "calls"),
            spend.TOKENS: self._tokens,
            spend.QUEST_SPEND: self._today,
            allocation.ALLOCATION: self._allocations,
            **self.budgets.families(),
        }
        yield from ((metric, found()) for metric, found in past.items() if metric in self.available)

    def _lifetime(self, column: str, *more: str) -> Iterator[Series]:
        for labels, rows in groupby(self._rows(_CELLS.format(column=column)), key=lambda row: row[:5]):
            yield (*labels, *more), self._running(row[5:] for row in rows)

    def _tokens(self) -> Iterator[Series]:
        for kind in self.token_types:
            yield from self._lifetime(kind, kind)

    def _running(self, buckets: Iterator[tuple[int, Decimal]]) -> Iterator[Sample]:
        """At each moment the sum of all buckets before it, starting after the first bucket."""
        total, number = Decimal(0), len(self.span)
        for at_bucket, amount in buckets:
            reached = min(max(at_bucket + 1, 0), len(self.span))
            yield from ((at, total) for at in range(number, reached))
            total, number = total + amount, reached
        yield from ((at, total) for at in range(number, len(self.span)))

    def _today(self) -> Iterator[Series]:
        for labels, rows in groupby(self._rows(_QUESTS), key=lambda row: row[:3]):
            yield (*labels, "1d"), self._daily({bucket: amount for *_, bucket, amount in rows})

    def _daily(self, buckets: dict[int, Decimal]) -> Iterator[Sample]:
        """At each moment the sum of the buckets since midnight, starting after the first bucket."""
        for _, numbers in self.span.days():
            total = Decimal(0)
            for number in numbers:
                if number > min(buckets):
                    yield number, total
                total += buckets.get(number, 0)

    def _allocations(self) -> Iterator[Series]:
        calendar = self.span.calendar
        days = {"first": calendar.day_of(self.span.first), "last": calendar.day_of(self.span.last)}
        for labels, found in groupby(fetched(self.connection, _ALLOCATIONS, **days), key=lambda row: row[:3]):
            yield labels, held(self.span, (row[3:] for row in found))

    def _rows(self, query: str) -> Iterator[Row]:
        return fetched(self.connection, query)
