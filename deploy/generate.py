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


def groups(*names: str) -> list[Any]:
    """Return the groups of these files of rules, by default of all."""
    files = [ROOT / "rules" / name for name in names] or sorted((ROOT / "rules").glob("*.yml"))
    return [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]


def dump(document: dict[str, Any]) -> str:
    """Return a document as YAML in which expressions keep their lines."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def prometheus_rule() -> str:
    """Return all rules as one PrometheusRule, in YAML."""
    resource: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "resource-exporter", "labels": {"app.kubernetes.io/name": "resource-exporter"}},
        "spec": {"groups": groups()},
    }
    return HEADER + dump(resource)


if __name__ == "__main__":
    TARGET.write_text(prometheus_rule(), encoding="utf-8")
