"""``resource-exporter backfill``: the past of the gauges, for a Prometheus that was not there.

What is written is what a scrape at each moment would have shown, under the labels of today, so that the imported series go on
into the scraped ones. The ledgers are read into rollups of its own; those of a running exporter are left alone.
"""

from exporter.backfill.run import BackfillError, run
from exporter.backfill.span import STEPS, Span, SpanError, Target, parse_span

__all__ = ["STEPS", "BackfillError", "Span", "SpanError", "Target", "parse_span", "run"]
