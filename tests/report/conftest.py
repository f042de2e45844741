"""Fixtures of the tests of reports."""

from tests.rollups.conftest import store

__all__ = ["store"]
