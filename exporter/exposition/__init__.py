"""The exposition: the bytes of a scrape, and the negotiation of their format and encoding."""
