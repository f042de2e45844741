"""The wheel in new environments, with dependencies from the lock: the command, its help, and the Python interface."""

import json
import re
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from deploy import runtime, sbom
from exporter import __version__
from exporter.cli import COMMANDS
from exporter.demo.binaries import MISSING
from tests.conftest import CI
from tests.end_to_end.process import LEDGERS, started
from tests.package.conftest import Distributions
from tests.package.environments import OURS, PROJECT, Installed, clean, closure, create, interpreter

REQUIRED = PROJECT["requires-python"].removeprefix(">=")
VERSIONS = sorted({*re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"])), OURS})
IMPORT_ALL_AND_READ = """
import importlib, pkgutil, exporter
print(exporter.__file__)
for module in pkgutil.walk_packages(exporter.__path__, "exporter."):
    if module.name.rpartition(".")[2] != "__main__":
        importlib.import_module(module.name)
print(sum(sample.value for sample in exporter.read("config.yml").samples("resource_spend_usd")))
"""
# In one process, because each takes a second to start.
HELP = """
import contextlib, sys
from exporter.cli import main
for command in sys.argv[1:]:
    with contextlib.suppress(SystemExit):
        main([command, "--help"])
"""
EMBEDDED = """
import psycopg
from exporter.demo.postgres import embedded
with embedded() as conninfo, psycopg.connect(conninfo) as connection:
    print(connection.execute("SELECT 1 + 1").fetchone()[0])
"""


ours = pytest.mark.parametrize("environment", [OURS], indirect=True)


@pytest.fixture(scope="module", params=VERSIONS)
def environment(request: pytest.FixtureRequest, distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment of one Python with the wheel. That of the tests themselves is never left out.

    pip installs the wheel only if all that it needs is there, because it may ask no index.
    """
    python = interpreter(request.param)
    if python is None:
        (pytest.fail if CI and request.param == REQUIRED else pytest.skip)(f"Python {request.param} is not installed")
    environment = create(python, tmp_path_factory.mktemp("installed") / "venv")
    runtime.install(environment)
    runtime.pip(environment, "install", "--no-index", str(distributions.wheel))
    return environment


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installed:
    return Installed(environment, tmp_path)


@pytest.fixture
def configured(installed: Installed, known_ledger: str, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """The same with a configuration of the known ledger."""
    monkeypatch.setenv("LEDGERS_DSN", known_ledger)
    (installed.directory / "config.yml").write_text(LEDGERS.format(timezone="UTC"))
    return installed


def test_all_modules_can_be_imported_and_the_python_interface_reads_a_ledger(configured: Installed) -> None:
    file, spent = configured.said("python", "-W", "error", "-c", IMPORT_ALL_AND_READ).splitlines()
    assert Path(file).is_relative_to(configured.environment)
    assert float(spent) == pytest.approx(3.5, rel=1e-12)


def test_serve_serves_the_page_and_the_metrics(configured: Installed) -> None:
    program = [str(configured.environment / "bin/resource-exporter")]
    config = f"--config.file={configured.directory / 'config.yml'}"
    with started(program, configured.directory, "serve", config, environment=clean()) as exporter:
        exporter.wait()
        assert "resource_spend_usd{" in exporter.page()
        assert b"<title>Resource Dashboard" in exporter.get("/").body
        # What ps and top show; Linux cuts names to 15 characters.
        assert Path(f"/proc/{exporter.process.pid}/comm").read_text() == "resource-export\n"


@ours
def test_the_command_tells_its_version_and_helps(installed: Installed) -> None:
    assert installed.said("resource-exporter", "--version") == f"resource-exporter {__version__}\n"
    assert "\nexamples:\n" in installed.said("resource-exporter", "--help")
    helped = installed.said("python", "-c", HELP, *COMMANDS)
    assert re.findall(r"^usage: resource-exporter (\w+) ", helped, re.MULTILINE) == list(COMMANDS)
    assert helped.count("\nexamples:\n") == len(COMMANDS)


@ours
def test_check_finds_nothing_wrong_with_a_ledger(configured: Installed) -> None:
    results = [line for line in configured.said("resource-exporter", "check").splitlines() if not line.startswith(" ")]
    assert {line.split(" ")[0] for line in results} <= {"ok", "warning"}
    assert any(" costs: cost_ledger in database main, 7 rows" in line for line in results)


@ours
def test_the_demo_needs_its_extra(installed: Installed, distributions: Distributions) -> None:
    """The extra goes into an environment on top of the other one, so that nothing is installed twice."""
    without = installed.run("resource-exporter", "demo", "--web.listen-address=127.0.0.1:0")
    assert (without.returncode, without.stderr) == (1, f"{MISSING}\n")
    above = create(str(installed.environment / "bin/python"), installed.directory / "venv")
    (packages,) = above.glob("lib/python*/site-packages")
    (packages / "below.pth").write_text(str(next(installed.environment.glob("lib/python*/site-packages"))))
    runtime.install(above, "demo")
    runtime.pip(above, "install", "--no-index", f"{distributions.wheel}[demo]")
    assert Installed(above, installed.directory).said("python", "-c", EMBEDDED) == "2\n"


@ours
def test_the_sbom_has_the_runtime_packages_of_the_lock_with_their_licences(environment: Path, tmp_path: Path) -> None:
    described, licences = sbom.write(environment, tmp_path)
    document = json.loads(described.read_text(encoding="utf-8"))
    component = document["metadata"]["component"]
    assert (component["name"], component["version"]) == ("resource-exporter", __version__)
    assert {canonicalize_name(each["name"]): each["version"] for each in document["components"]} == closure()
    lines = [line.partition(": ") for line in licences.read_text(encoding="utf-8").splitlines()]
    assert [name for name, _, _ in lines] == [f"{each['name']} {each['version']}" for each in document["components"]]
    assert [name for name, _, found in lines if not set(found.split(", ")) <= sbom.ALLOWED] == []


@pytest.mark.parametrize(
    "licences, found",
    [
        ([{"license": {"id": "GPL-3.0-only"}}], "['GPL-3.0-only']"),
        ([{"expression": "MIT OR (Apache-2.0 AND AGPL-3.0-only)"}], "['AGPL-3.0-only', 'Apache-2.0', 'MIT']"),
        ([], "[]"),
    ],
)
def test_a_licence_that_is_not_allowed_is_refused(licences: list[dict[str, object]], found: str) -> None:
    components = [{"name": "fine", "version": "1", "licenses": [{"license": {"id": "MIT"}}]}]
    assert sbom.licences(components) == {"fine 1": ["MIT"]}
    with pytest.raises(sbom.LicenceError) as raised:
        sbom.licences([*components, {"name": "strange", "version": "2", "licenses": licences}])
    assert str(raised.value).startswith(f"{{'strange 2': {found}}}; fix: ")
