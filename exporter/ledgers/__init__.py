"""The ledgers: what is read from them, and how."""
