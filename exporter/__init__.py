"""Resource Exporter: budgets, spend and impact of AI agents, from PostgreSQL ledgers to Prometheus."""

__version__ = "0.1.0"
