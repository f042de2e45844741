"""``resource-exporter backfill``: write the history of the gauges as a file that Prometheus can import.

The samples are those that a scrape at each moment would have returned, but with today's labels, so that the imported series
continue into the scraped ones. The ledgers are read into a temporary rollup file; that of a running exporter is not touched.
"""

from exporter.backfill.run import BackfillError, run
from exporter.backfill.span import STEPS, Span, SpanError, Target, parse_span

__all__ = ["STEPS", "BackfillError", "Span", "SpanError", "Target", "parse_span", "run"]
