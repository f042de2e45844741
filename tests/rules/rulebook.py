"""The rule files as data."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

FILES = sorted(ROOT.glob("rules/*.yml"))
UNIT_TESTS = sorted(ROOT.glob("rules/tests/*.yml"))
ALERT_CASES: list[dict[str, Any]] = [
    case
    for path in UNIT_TESTS
    for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
    for case in test.get("alert_rule_test", [])
]
"""What the unit tests expect of alerts: each with a name, a moment and the alerts that fire."""

DEFAULTS = dict(
    re.findall(r'or \$externalLabels\.(\w+) "(http://[^"]+)"', (ROOT / "rules/alerts.yml").read_text(encoding="utf-8"))
)
"""Where the links of alerts lead by the external label that can change it."""

_TEXT = re.compile(r'"[^"]*"')
_SELECTOR = re.compile(r"([a-zA-Z_][a-zA-Z0-9_:]*)\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right) ?\(([^)]*)\)")
_NAME = re.compile(r"(?<![\w:$])(?:resource_\w+|\w+:\w+:\w+|up)\b(?![\w:])")


@dataclass(frozen=True)
class Rule:
    """A rule of a file. ``name`` is the name of the recorded series or of the alert."""

    name: str
    expr: str
    body: dict[str, Any]

    @property
    def metrics(self) -> set[str]:
        """The metrics and recorded series that the expression selects."""
        return set(_NAME.findall(_GROUPING.sub("", _TEXT.sub("", re.sub(r"\{[^}]*\}", "", self.expr)))))

    @property
    def matched_labels(self) -> set[tuple[str, str]]:
        """Pairs of a metric and a label in its selector."""
        pairs = set()
        for metric, matchers in _SELECTOR.findall(self.expr):
            pairs |= {(metric, label) for label in re.findall(r"(\w+)\s*[=!]", _TEXT.sub("", matchers))}
        return pairs

    @property
    def grouping_labels(self) -> set[str]:
        """The labels by which the expression matches or aggregates series."""
        return {label.strip() for labels in _GROUPING.findall(self.expr) for label in labels.split(",") if label.strip()}


def rules(kind: str, file: Path | None = None) -> list[Rule]:
    """The rules of one kind, ``record`` or ``alert``."""
    return [
        Rule(rule[kind], rule["expr"], rule)
        for path in ([file] if file else FILES)
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if kind in rule
    ]


THRESHOLDS = rules("record", ROOT / "rules/thresholds.yml")
RECORDED = rules("record", ROOT / "rules/recording.yml")
ALERTS = rules("alert")
