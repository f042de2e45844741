"""deploy/kubernetes: names and ports match across files, and no object has privileges that it does not need."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import generate
from exporter import __version__
from exporter.cli import _parser
from exporter.config import load
from exporter.web.server import parse_address
from tests.conftest import ROOT

FOLDER = ROOT / "deploy/kubernetes"
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
(OVERLAY,) = re.findall(r"^```yaml\n(# kustomization\.yaml\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NAME = "resource-exporter"
LABELS = {"app.kubernetes.io/name": NAME}
LARGEST = 262_144
"""The largest object, in bytes, that kubectl apply can store in its annotation."""


def _yaml(path: Path) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


MANIFESTS: dict[str, Any] = {
    path.relative_to(FOLDER).as_posix(): _yaml(path) for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml"
}
BASE = _yaml(FOLDER / "kustomization.yaml")
MONITORING = _yaml(FOLDER / "monitoring/kustomization.yaml")
DASHBOARDS = _yaml(ROOT / "grafana/kustomization.yaml")
STATEFUL_SET = MANIFESTS["statefulset.yaml"]["spec"]
POD = STATEFUL_SET["template"]["spec"]
(CONTAINER,) = POD["containers"]
(ENDPOINT,) = MANIFESTS["monitoring/servicemonitor.yaml"]["spec"]["endpoints"]


def _mount(volume: str) -> Path:
    (path,) = (mount["mountPath"] for mount in CONTAINER["volumeMounts"] if mount["name"] == volume)
    return Path(path)


def _volume(name: str) -> Any:  # noqa: ANN401 - YAML
    (volume,) = (volume for volume in POD["volumes"] if volume["name"] == name)
    return volume


def test_kinds() -> None:
    assert {path: (manifest["apiVersion"], manifest["kind"]) for path, manifest in MANIFESTS.items()} == {
        "namespace.yaml": ("v1", "Namespace"),
        "serviceaccount.yaml": ("v1", "ServiceAccount"),
        "service.yaml": ("v1", "Service"),
        "statefulset.yaml": ("apps/v1", "StatefulSet"),
        "poddisruptionbudget.yaml": ("policy/v1", "PodDisruptionBudget"),
        "networkpolicy.yaml": ("networking.k8s.io/v1", "NetworkPolicy"),
        "secret.example.yaml": ("v1", "Secret"),
        "monitoring/servicemonitor.yaml": ("monitoring.coreos.com/v1", "ServiceMonitor"),
        "monitoring/prometheusrule.yaml": ("monitoring.coreos.com/v1", "PrometheusRule"),
    }


@pytest.mark.parametrize("path", MANIFESTS)
def test_every_object_has_the_label_and_the_name_of_the_project(path: str) -> None:
    metadata = MANIFESTS[path]["metadata"]
    assert metadata["labels"].items() >= LABELS.items()
    assert metadata["name"] == (f"{NAME}-dsn" if path == "secret.example.yaml" else NAME)


def test_kustomizations_hold_every_manifest_and_nothing_else() -> None:
    listed = BASE["resources"] + [f"monitoring/{name}" for name in MONITORING["resources"]]
    outside = "monitoring/../../../grafana"
    assert (FOLDER / outside).resolve() == ROOT / "grafana"
    assert sorted(listed) == sorted([*(MANIFESTS.keys() - {"secret.example.yaml"}), outside])


def test_namespaces() -> None:
    assert (BASE["namespace"], MONITORING["namespace"]) == (NAME, "monitoring")
    assert MANIFESTS["namespace.yaml"]["metadata"]["name"] == NAME
    assert MANIFESTS["secret.example.yaml"]["metadata"]["namespace"] == NAME
    assert MANIFESTS["namespace.yaml"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_configuration_loads_and_its_paths_are_mounted() -> None:
    (generated,) = BASE["configMapGenerator"]
    assert generated["files"] == ["config.yml"]
    assert _volume("config")["configMap"] == {"name": generated["name"]}
    config = load(FOLDER / "config.yml")
    assert set(config.ledgers) == {"costs", "impacts", "allocations", "quests"}
    assert config.state.path.parent == _mount("state")
    (database,) = config.databases.values()
    assert database.dsn_file is not None
    assert database.dsn_file.parent == _mount("dsn")
    secret = MANIFESTS["secret.example.yaml"]
    assert list(secret["stringData"]) == [database.dsn_file.name]
    assert _volume("dsn")["secret"] == {"secretName": secret["metadata"]["name"], "defaultMode": 0o440}


def test_the_container_runs_the_image_of_this_version_with_flags_that_exist() -> None:
    compose = _yaml(ROOT / "docker-compose.yml")["services"]["exporter"]["image"]
    assert CONTAINER["image"] == f"{compose.split(':')[0]}:{__version__}"
    options = _parser().parse_args(CONTAINER["args"])
    assert Path(options.config_file) == _mount("config") / "config.yml"
    assert CONTAINER["ports"] == [{"name": "http", "containerPort": 9877}]
    assert parse_address(options.web_listen_address).port == 9877
    assert options.web_telemetry_path == ENDPOINT["path"] == "/metrics"


def test_the_paths_that_the_image_declares_are_mounted() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^VOLUME (.+)$", image, re.MULTILINE) == [str(_mount("state"))]
    assert f'CMD ["serve", "--config.file={_mount("config")}/config.yml"]' in image


def test_the_kustomization_of_the_page_replaces_image_and_configuration() -> None:
    overlay = yaml.safe_load(OVERLAY)
    assert overlay["resources"] == [f"checkout/{FOLDER.relative_to(ROOT)}"]
    assert [f"{image['name']}:{image['newTag']}" for image in overlay["images"]] == [CONTAINER["image"]]
    (replaced,) = overlay["configMapGenerator"]
    (generated,) = BASE["configMapGenerator"]
    assert replaced == {
        "name": generated["name"],
        "namespace": BASE["namespace"],
        "behavior": "replace",
        "files": generated["files"],
    }


def _patch(folder: str, kind: str) -> Any:  # noqa: ANN401 - YAML
    """The patch of the component in the folder."""
    component = _yaml(FOLDER / folder / "kustomization.yaml")
    assert component["kind"] == "Component"
    (patch,) = component["patches"]
    assert patch["target"] == {"kind": kind, "name": NAME}
    return yaml.safe_load(patch["patch"])


def _secrets() -> dict[tuple[str, str], set[str]]:
    """The keys of the Secrets that the page creates, by namespace and name."""
    commands = PAGE.replace("\\\n", "")
    made = re.findall(r"^kubectl create secret generic (\S+) --namespace=(\S+) (.*?)(?: {4}#.*)?$", commands, re.MULTILINE)
    return {(namespace, name): set(re.findall(r"--from-(?:file|literal)=([^\s=]+)", files)) for name, namespace, files in made}


def test_the_web_configuration_is_mounted_at_the_path_of_the_flag() -> None:
    pod = _patch("protected", "StatefulSet")["spec"]["template"]["spec"]
    (container,), (volume,) = pod["containers"], pod["volumes"]
    assert container["name"] == CONTAINER["name"]
    (variable,) = container["env"]
    (mount,) = container["volumeMounts"]
    assert variable == {"name": "RESOURCE_EXPORTER_WEB_CONFIG_FILE", "value": f"{mount['mountPath']}/web.yml"}
    assert mount == {"name": volume["name"], "mountPath": "/run/secrets/resource-exporter-web", "readOnly": True}
    assert volume["secret"] == {"secretName": "resource-exporter-web", "defaultMode": 0o440}
    assert _secrets()[NAME, "resource-exporter-web"] == {"web.yml", "tls.crt", "tls.key"}


def test_probes_of_a_protected_exporter_need_no_password() -> None:
    (container,) = _patch("protected", "StatefulSet")["spec"]["template"]["spec"]["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert CONTAINER[probe].keys() > {"httpGet"}
        assert container[probe] == {"httpGet": None, "tcpSocket": {"port": "http"}}


def test_prometheus_trusts_the_certificate_and_knows_the_password() -> None:
    added = {change["path"]: change["value"] for change in _patch("monitoring/protected", "ServiceMonitor")}
    secret = "resource-exporter-scrape"
    assert added == {
        "/spec/endpoints/0/scheme": "https",
        "/spec/endpoints/0/tlsConfig": {
            "ca": {"secret": {"name": secret, "key": "ca.crt"}},
            "serverName": f"{MANIFESTS['service.yaml']['metadata']['name']}.{BASE['namespace']}.svc",
        },
        "/spec/endpoints/0/basicAuth": {
            "username": {"name": secret, "key": "username"},
            "password": {"name": secret, "key": "password"},
        },
    }
    assert _secrets()[MONITORING["namespace"], secret] == {"ca.crt", "username", "password"}
    assert f"DNS:{added['/spec/endpoints/0/tlsConfig']['serverName']}`" in (ROOT / "docs/operations.md").read_text(
        encoding="utf-8"
    )


def test_probes_check_the_process_and_its_snapshot() -> None:
    probes = {name: CONTAINER[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {
        "startupProbe": {"path": "/-/healthy", "port": "http"},
        "livenessProbe": {"path": "/-/healthy", "port": "http"},
        "readinessProbe": {"path": "/-/ready", "port": "http"},
    }


def test_the_pod_has_no_privileges_that_it_does_not_need() -> None:
    (user, group) = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)[0]
    assert POD["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user),
        "runAsGroup": int(group),
        "fsGroup": int(group),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is MANIFESTS["serviceaccount.yaml"]["automountServiceAccountToken"] is False
    assert not any(POD.get(shared) for shared in ("hostNetwork", "hostPID", "hostIPC"))


def test_only_the_state_is_writable() -> None:
    read_only = {mount["name"]: mount.get("readOnly", False) for mount in CONTAINER["volumeMounts"]}
    assert read_only == {"config": True, "dsn": True, "state": False}
    assert {volume["name"] for volume in POD["volumes"]} == read_only.keys()
    assert CONTAINER["resources"]["limits"] == {"memory": "512Mi"}


def test_selectors_find_the_pod_and_names_lead_to_their_objects() -> None:
    assert STATEFUL_SET["template"]["metadata"]["labels"] == LABELS
    assert STATEFUL_SET["selector"]["matchLabels"] == LABELS
    assert STATEFUL_SET["serviceName"] == POD["serviceAccountName"] == NAME
    assert MANIFESTS["service.yaml"]["spec"]["selector"] == LABELS
    assert MANIFESTS["service.yaml"]["spec"]["ports"] == [{"name": "http", "port": 9877, "targetPort": "http"}]
    assert MANIFESTS["poddisruptionbudget.yaml"]["spec"]["selector"]["matchLabels"] == LABELS
    assert MANIFESTS["networkpolicy.yaml"]["spec"]["podSelector"]["matchLabels"] == LABELS


def test_the_network_policy_allows_prometheus_in_and_dns_and_postgresql_out() -> None:
    policy = MANIFESTS["networkpolicy.yaml"]["spec"]
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": MONITORING["namespace"]}}}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"from": [monitoring], "ports": [{"protocol": "TCP", "port": "http"}]}]
    (out,) = policy["egress"]
    assert [(port["protocol"], port["port"]) for port in out["ports"]] == [("UDP", 53), ("TCP", 53), ("TCP", 5432)]


def test_prometheus_scrapes_the_service_under_the_job_of_the_rules() -> None:
    monitor = MANIFESTS["monitoring/servicemonitor.yaml"]["spec"]
    (scrape,) = _yaml(ROOT / "prometheus.yml")["scrape_configs"]
    assert MANIFESTS["service.yaml"]["metadata"]["labels"][monitor["jobLabel"]] == scrape["job_name"]
    assert monitor["namespaceSelector"] == {"matchNames": [BASE["namespace"]]}
    assert monitor["selector"]["matchLabels"] == LABELS
    assert ENDPOINT["port"] == CONTAINER["ports"][0]["name"]


def test_replicas_differ_by_instance_only() -> None:
    renamed, dropped = ENDPOINT["relabelings"]
    assert renamed == {"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "instance"}
    assert dropped["action"] == "labeldrop"
    assert {"pod", "container", "endpoint", "namespace", "service"} == set(dropped["regex"].split("|"))


def test_the_rules_are_current() -> None:
    committed = generate.TARGET.read_text(encoding="utf-8")
    assert generate.prometheus_rule() == committed, "run: make rules"
    groups = {group["name"]: group for path in ROOT.glob("rules/*.yml") for group in _yaml(path)["groups"]}
    assert {group["name"]: group for group in yaml.safe_load(committed)["spec"]["groups"]} == groups


@pytest.mark.prometheus("promtool")
def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(MANIFESTS["monitoring/prometheusrule.yaml"]["spec"]), encoding="utf-8")
    checked = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", file], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_dashboard_is_a_labelled_config_map_that_kubectl_can_apply() -> None:
    files = {generated["name"]: generated["files"] for generated in DASHBOARDS["configMapGenerator"]}
    dashboards = list(ROOT.glob("grafana/dashboards/*.json"))
    assert files == {path.stem: [f"dashboards/{path.name}"] for path in dashboards}
    assert DASHBOARDS["generatorOptions"] == {"disableNameSuffixHash": True, "labels": {**LABELS, "grafana_dashboard": "1"}}
    assert max(path.stat().st_size for path in dashboards) < LARGEST
