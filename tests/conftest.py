"""Fixtures for all tests: a PostgreSQL with disposable databases, golden files, certificates, and checks of the machine."""

import atexit
import difflib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from exporter.demo.postgres import embedded
from tests.certificates import issue

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "exporter/demo/schema.sql"
LEDGER = ROOT / "tests/end_to_end/ledger.sql"
CI = os.environ.get("CI") == "true"
PACKAGES = {
    "chromium": "chromium",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "pgbouncer": "pgbouncer",
    "podman": "podman",
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "runc": "runc",
}
TARGETS = {"helm": "helm", "kubectl": "helm"}
"""The targets of make that install a program beside the interpreter."""
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# A shell starts background jobs with SIGINT ignored, and the processes of the tests would inherit this.
signal.signal(signal.SIGINT, signal.default_int_handler)
EXIT_CODE = pytest.StashKey[int]()
LEFT_OUT = pytest.StashKey[str]()

Golden = Callable[[str, str], None]

# No deadline: the duration of an example depends on the machine.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=300, derandomize=True, database=None, print_blob=True)
hypothesis.settings.load_profile("ci" if CI else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden files again instead of comparing with them")


@pytest.hookimpl(trylast=True)  # after -k and -m, so that only selected tests count
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # of several processes, the last ones would wait for a long file that begins late
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)
    needs = {item: absent for item in items if (absent := _absent_programs(item))}
    if not needs:
        return
    files = sorted({item.path.relative_to(ROOT).as_posix() for item in needs})
    commands = _installing({program for absent in needs.values() for program in absent})
    line = f"tests left out: {len(needs)}, in {', '.join(files)}; to run them: {' && '.join(commands)}"
    if CI:
        raise pytest.UsageError(line)
    config.stash[LEFT_OUT] = line
    for item, absent in needs.items():
        item.add_marker(pytest.mark.skip(reason=f"{', '.join(absent)} not installed"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if line := config.stash.get(LEFT_OUT, None):
        terminalreporter.write_line(line, yellow=True)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Exit without the interpreter's own shutdown, in which DuckDB prints the objects it still holds as if they were errors."""
    if (code := config.stash.get(EXIT_CODE, None)) is not None:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[EXIT_CODE] = int(exitstatus)


def _absent_programs(item: pytest.Item) -> list[str]:
    """The programs of a test's ``prometheus`` marker (default: promtool) that are not installed."""
    named = (program for mark in item.iter_markers("prometheus") for program in mark.args or ["promtool"])
    return [program for program in dict.fromkeys(named) if shutil.which(program) is None]


def _installing(programs: set[str]) -> Iterator[str]:
    """The commands that install these programs."""
    if packages := sorted({PACKAGES[program] for program in programs if program in PACKAGES}):
        yield f"apt-get install {' '.join(packages)}"
    if targets := sorted({TARGETS[program] for program in programs if program in TARGETS}):
        yield f"make {' '.join(targets)}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The connection string of a server whose user may create databases."""
    dsn = os.environ.get("RESOURCE_EXPORTER_TEST_DSN")
    with nullcontext(dsn) if dsn else embedded() as conninfo:
        yield conninfo


@pytest.fixture(scope="session")
def scidex(postgres: str) -> Iterator[str]:
    """The name of a database with the empty tables of the scidex profile. It is a template: do not write to it."""
    with _database(postgres) as name:
        with psycopg.connect(postgres, dbname=name) as connection:
            connection.execute(SCHEMA.read_bytes())
        yield name


@pytest.fixture
def database(postgres: str, scidex: str) -> Iterator[str]:
    """The connection string of the test's own database, with the empty tables of the scidex profile."""
    with _database(postgres, template=scidex) as name:
        yield make_conninfo(postgres, dbname=name)


@pytest.fixture
def known_ledger(database: str) -> str:
    """The connection string of a database that holds ``ledger.sql``, whose numbers the tests know."""
    with psycopg.connect(database) as connection:
        connection.execute(LEDGER.read_bytes())
    return database


@contextmanager
def _database(server: str, template: str = "template0") -> Iterator[str]:
    name = f"resource_exporter_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        # Copying the files takes a quarter of the time that copying through the log takes, which is the default from 15 on.
        strategy = "STRATEGY file_copy" if connection.info.server_version >= 150_000 else ""
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} " + strategy)
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield name
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A read-only directory of certificates. ``client`` is signed by ``authority``; the others are self-signed."""
    directory = tmp_path_factory.mktemp("certificates")
    for name in ("server", "renewed-server", "authority", "stranger"):
        issue(directory, name)
    issue(directory, "client", "authority")
    return directory


@pytest.fixture
def certificates(tmp_path: Path, issued: Path) -> Path:
    """``tmp_path`` with a copy of the certificates: ``server.crt``, ``server.key`` and so on."""
    return shutil.copytree(issued, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the file of that name in the folder ``golden`` beside the test; ``--update`` writes the file."""

    def compare(name: str, text: str) -> None:
        path = request.path.parent / "golden" / name
        if request.config.getoption("--update"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != expected:
            lines = difflib.unified_diff(expected.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm="")
            pytest.fail("\n".join([*lines, "if the change is meant: make test ARGS=--update"]), pytrace=False)

    return compare
