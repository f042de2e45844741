"""The refresh: ledgers -> rollups -> report -> snapshot, for one database at a time."""

from exporter.sync.refresher import Refresher, SectionError

__all__ = ["Refresher", "SectionError"]
