"""Kubernetes objects as helm and kustomize render them, in a form in which they can be compared."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

NAME = "resource-exporter"
MONITORING = "monitoring"
HELM_LABELS = {"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"}

Objects = list[dict[str, Any]]


def called(*command: str | Path, folder: Path | None = None) -> str:
    """Run a program in a folder and return its output; fails with its errors."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _objects(text: str) -> Objects:
    return [item for item in yaml.safe_load_all(text) if item]


def helm(chart: Path, values: dict[str, Any], folder: Path) -> Objects:
    """The objects of a release with these values, in the order of helm."""
    (folder / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return _objects(called("helm", "template", NAME, chart, f"--namespace={NAME}", f"--values={folder / 'values.yaml'}"))


def kustomize(folder: Path) -> Objects:
    """The objects of a kustomization."""
    return _objects(called("kubectl", "kustomize", "--load-restrictor=LoadRestrictionsNone", folder))


def with_component(folder: Path, base: str, component: str) -> Path:
    """Write a kustomization of a folder of deploy/kubernetes with one of its components; kustomize wants relative paths."""
    up = Path(*[".."] * len(folder.resolve().parents), *ROOT.parts[1:], "deploy/kubernetes")
    written = {"kind": "Kustomization", "resources": [f"{up / base}"], "components": [f"{up / component}"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    return folder


def one(objects: Objects, kind: str, name: str | None = None) -> Any:  # noqa: ANN401 - YAML
    """The only object of a kind, or of a kind with a name."""
    (found,) = (each for each in objects if each["kind"] == kind and name in {None, each["metadata"]["name"]})
    return found


def comparable(objects: Objects) -> dict[tuple[str, str, str], Any]:
    """The objects by kind, namespace and name, without what only one of the two tools writes."""
    found = {}
    for each in objects:
        if each["kind"] == "Namespace" or "helm.sh/hook" in each["metadata"].get("annotations", {}):
            continue
        plain = _edited(each)
        metadata = plain["metadata"]
        found[plain["kind"], metadata["namespace"], metadata["name"]] = plain
    return found


def _edited(value: Any) -> Any:  # noqa: ANN401 - YAML
    """A value without helm's labels and the policy of pulling, and with comparable names and documents."""
    if isinstance(value, list):  # those with names have no order
        return sorted(map(_edited, value), key=lambda item: item.get("name", "") if isinstance(item, dict) else "")
    if not isinstance(value, dict):
        return value
    left_out = HELM_LABELS | {"imagePullPolicy"}
    return {key: SPECIAL.get(key, _edited)(item) for key, item in value.items() if key not in left_out}


def _name(name: Any) -> Any:  # noqa: ANN401 - YAML
    """A name without the suffix of kustomize, and of a dashboard without the prefix of helm."""
    return (
        re.sub(rf"^({NAME}-config)-[a-z0-9]{{10}}$|^{NAME}-(resource-[a-z]+)$", r"\1\2", name)
        if isinstance(name, str)
        else name
    )


def _metadata(metadata: Any) -> Any:  # noqa: ANN401 - YAML
    """Metadata without the checksum of the configuration, the only annotation."""
    assert metadata.get("annotations", {}).keys() <= {"checksum/config"}
    return _edited({key: item for key, item in metadata.items() if key != "annotations"})


def _parsed(text: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(text)


SPECIAL: dict[str, Callable[[Any], Any]] = {"name": _name, "metadata": _metadata, "config.yml": _parsed}
