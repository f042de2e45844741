"""The HTTP server: metrics, the page, and the lifecycle endpoints."""
