"""Rollups: sums of the ledgers in a DuckDB file. Reports read the views of :mod:`exporter.rollups.views`."""

from exporter.rollups.compacting import LABELLING
from exporter.rollups.file import REMEDY, RollupFileError, is_database, require_file, scratch_directory
from exporter.rollups.store import Rollups

__all__ = ["LABELLING", "REMEDY", "RollupFileError", "Rollups", "is_database", "require_file", "scratch_directory"]
