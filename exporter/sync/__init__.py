"""Keeping the rollups in step with the ledgers: what may have changed, reading it, and publishing what came of it."""
