"""Ledgers as they are in PostgreSQL: connections, the catalog, and the statements that read them."""
