"""What can go wrong when a ledger is read."""

import psycopg

from exporter.sources.database import UnreachableError
from exporter.sources.findings import LedgerError
from exporter.sources.transfer import TooLargeError

SourceError = psycopg.Error
"""PostgreSQL, or the connection to it, refused something."""
SlowError = psycopg.errors.QueryCanceled
"""A statement took longer than ``refresh.statement_timeout``."""
READ_ERRORS = (UnreachableError, LedgerError, SourceError, TimeoutError)
"""All that keeps a ledger from being read."""

__all__ = ["READ_ERRORS", "LedgerError", "SlowError", "SourceError", "TooLargeError", "UnreachableError"]
