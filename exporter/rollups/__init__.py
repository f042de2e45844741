"""Rollups: partial sums of the ledgers in a DuckDB file, replaced bucket by bucket and kept in step with the ledgers."""

from exporter.rollups.file import REMEDY, RollupFileError
from exporter.rollups.store import Rollups

__all__ = ["REMEDY", "RollupFileError", "Rollups"]
