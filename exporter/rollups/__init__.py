"""Rollups: partial sums of the ledgers in a DuckDB file, replaced bucket by bucket and kept in step with the ledgers."""

from exporter.rollups.file import REMEDY, RollupFileError, is_database, require_file, scratch_directory
from exporter.rollups.store import Rollups

__all__ = ["REMEDY", "RollupFileError", "Rollups", "is_database", "require_file", "scratch_directory"]
