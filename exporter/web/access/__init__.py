"""Access control: TLS, users and headers, from a file in the format of Prometheus' exporter-toolkit."""

from exporter.web.access.guard import Guard
from exporter.web.access.loader import Access, load

__all__ = ["Access", "Guard", "load"]
