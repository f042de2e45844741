"""The HTTP side: the current bodies, the page, and the lifecycle endpoints."""
