"""Values of the chart for tests."""

import re
from typing import Any

from tests.conftest import ROOT
from tests.deploy.rendering import MONITORING

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
(OF_PAGE,) = re.findall(r"^```yaml\n(# values\.yaml\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MONITORED: dict[str, dict[str, Any]] = {
    name: {"enabled": True, "namespace": MONITORING} for name in ("serviceMonitor", "prometheusRule", "dashboards")
}
PROTECTED: dict[str, dict[str, Any]] = {
    **MONITORED,
    "web": {"existingSecret": "resource-exporter-web"},
    "serviceMonitor": {**MONITORED["serviceMonitor"], "existingSecret": "resource-exporter-scrape"},
}
EVERYTHING: dict[str, Any] = {
    **PROTECTED,
    "replicas": 7,
    "image": {"repository": "registry.example/resource-exporter", "tag": "1.2.3", "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "pull"}],
    "fullnameOverride": "costs",
    "config": {"text": "timezone: Asia/Kolkata\n", "asSecret": True},
    "dsn": {"existingSecret": "", "env": {"LEDGER_DSN": {"name": "ledgers", "key": "dsn"}}},
    "extraArgs": ["--log.format=json"],
    "extraEnv": [{"name": "TZ", "value": "UTC"}],
    "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ca", "readOnly": True}],
    "persistence": {"enabled": True, "size": "5Gi", "storageClassName": "fast", "accessModes": ["ReadWriteOncePod"]},
    "terminationGracePeriodSeconds": 45,
    "podSecurityContext": {"runAsUser": 20001},
    "securityContext": {"runAsNonRoot": True, "runAsGroup": 20002},
    "resources": {"limits": {"memory": "1Gi"}},
    "podDisruptionBudget": {"maxUnavailable": "75%"},
    "serviceAccount": {"name": "ledger-reader", "annotations": {"example/role": "reader"}},
    "service": {"port": 80, "annotations": {"example/note": "costs-service"}},
    "podAnnotations": {"example/pod": "costs-pod"},
    "podLabels": {"team": "finops"},
    "priorityClassName": "costs-priority",
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}
    },
    "topologySpreadConstraints": [{"maxSkew": 3, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    "networkPolicy": {"from": [{"podSelector": {}}], "postgresPorts": [5432, 6432]},
    "serviceMonitor": {
        **PROTECTED["serviceMonitor"],
        "interval": "30s",
        "scrapeTimeout": "25s",
        "labels": {"scrape": "costs-scrape"},
    },
    "prometheusRule": {**MONITORED["prometheusRule"], "labels": {"release": "costs-rules"}},
    "dashboards": {**MONITORED["dashboards"], "labels": {"board": "costs-board"}, "annotations": {"grafana_folder": "Costs"}},
}
WITHOUT: dict[str, Any] = {
    "podDisruptionBudget": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "serviceAccount": {"create": False},
    "config": {"existingSecret": "own"},
    "dsn": {"existingSecret": ""},
}
CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "monitored": MONITORED,
    "protected": PROTECTED,
    "everything": EVERYTHING,
    "without": WITHOUT,
}
