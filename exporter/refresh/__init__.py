"""The refresh: ledgers -> rollups -> report -> snapshot, for one database at a time."""

from exporter.refresh.refresher import Refresher

__all__ = ["Refresher"]
