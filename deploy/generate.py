"""Write rules/ as the resource that Prometheus Operator reads: ``python -m deploy.generate``."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "deploy/kubernetes/monitoring/prometheusrule.yaml"
HEADER = "# Written by `make rules` from rules/*.yml: change those.\n"


class _Dumper(yaml.SafeDumper):
    """Keeps the lines of expressions and writes no YAML aliases."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML asks for each value
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def prometheus_rule() -> str:
    """Return all rules as one PrometheusRule, in YAML."""
    files = sorted((ROOT / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    resource: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "resource-exporter", "labels": {"app.kubernetes.io/name": "resource-exporter"}},
        "spec": {"groups": groups},
    }
    return HEADER + yaml.dump(resource, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


if __name__ == "__main__":
    TARGET.write_text(prometheus_rule(), encoding="utf-8")
