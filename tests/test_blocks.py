"""Every code block of every page is run, loaded or parsed by a test. A block that none of them knows fails here."""

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest
import yaml

from exporter.config import parse
from tests import test_readme
from tests.api.conftest import EXAMPLES
from tests.blocks import BLOCKS, Block, of
from tests.config import test_documentation as test_configuration
from tests.conftest import ROOT
from tests.deploy import cases, test_kubernetes, test_systemd
from tests.integration import test_litellm_page, test_litellm_role, test_recipes, test_role
from tests.rules import test_rules
from tests.web import test_documentation as test_web

RUN = {
    *EXAMPLES,
    test_readme.TABLES,
    "\n".join([*test_readme.SAMPLES, ""]),
    test_litellm_role.GRANTS,
    *(text for name in test_litellm_page.VARIANTS for _, text in test_litellm_page.SECTIONS[name]),
    test_role.STATEMENTS,
    test_rules.UNIT_TEST,
    test_configuration.ERRORS,
    cases.OF_PAGE,
    test_kubernetes.OVERLAY,
    test_systemd.DROP_IN,
    test_web.COMMANDS,
    test_web.MUTUAL,
}
"""The blocks that other tests run or load as they stand."""

NOT_RUN = {
    ("docs/architecture.md", "text"): "a drawing",
    ("docs/operations.md", "nginx"): "CI has no nginx; tests/web/page/test_browser.py opens the page below a prefix",
    ("docs/scaling.md", "sql"): "needs Citus; parsed below",
    ("docs/web.md", "console"): "CI has no curl; tests/web/test_documentation.py sends the same request",
}
"""The blocks that no test can run, and why. Each is the only one of its page and kind."""

CHECKED_BY_KIND = {"promql": "tests/test_docs.py", "sh": "tests/test_commands.py", "yaml": "below"}


def _recipes(block: Block) -> bool:
    return block.page == "docs/recipes.md" and any(block.text in section.tables for section in test_recipes.SECTIONS.values())


def test_every_block_is_run_or_checked_by_its_kind_or_listed() -> None:
    left = [block for block in BLOCKS if block.kind not in CHECKED_BY_KIND and block.text not in RUN and not _recipes(block)]
    assert sorted((block.page, block.kind) for block in left) == sorted(NOT_RUN)
    assert len(BLOCKS) > 100


def test_what_other_tests_run_is_on_a_page() -> None:
    assert {text for text in RUN if text not in {block.text for block in BLOCKS}} == set()


def test_no_page_mixes_fences_and_indented_blocks() -> None:
    assert [str(block) for block in BLOCKS if not block.kind] == []


def _load_config(text: str, _file: Path) -> None:
    """Load a configuration of the exporter, or a part of one with the least that is missing."""
    document = yaml.safe_load(text)
    ledgers = document.get("ledgers", {})
    databases = document.get("databases") or dict.fromkeys(ledger["database"] for ledger in ledgers.values())
    costs = f"costs: {{database: {next(iter(databases))}}}"
    if not ledgers:
        text += f"ledgers: {{{costs}}}\n"
    elif ledgers.keys() == {"quests"}:
        text = text.replace("ledgers:\n", f"ledgers:\n  {costs}\n")
    if "databases" not in document:
        text += "databases:\n" + "".join(f"  {name}: {{dsn_env: DSN}}\n" for name in databases)
    parse(text, "config.yml")


def _promtool(*command: str) -> Callable[[str, Path], None]:
    def check(text: str, file: Path) -> None:
        file.write_text(text, encoding="utf-8")
        checked = subprocess.run(["promtool", "check", *command, file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr

    return check


def _run_elsewhere(text: str, _file: Path) -> None:
    assert text in RUN


CHECKS: Mapping[str, Callable[[str, Path], None]] = {
    "databases": _load_config,
    "ledgers": _load_config,
    "scrape_configs": _promtool("config", "--syntax-only"),
    "alerting": _promtool("config", "--syntax-only"),
    "global": _promtool("config", "--syntax-only"),
    "groups": _promtool("rules", "--lint=all", "--lint-fatal"),
    "rule_files": _run_elsewhere,
    "tls_server_config": _run_elsewhere,
    "kind": _run_elsewhere,
    "image": _run_elsewhere,
}
"""How to check a YAML document, by one of its keys; the first that it has counts."""


@pytest.mark.prometheus("promtool")
@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_yaml_is_what_its_program_reads(block: Block, tmp_path: Path) -> None:
    keys = yaml.safe_load(block.text).keys()
    (check, *_) = (check for key, check in CHECKS.items() if key in keys)
    check(block.text, tmp_path / "file.yml")


def test_postgresql_parses_the_statement_for_citus(postgres: str) -> None:
    (text,) = (block.text for block in of("sql") if block.page == "docs/scaling.md")
    setting, statement = text.removesuffix("\\gexec\n").split(";\n")
    with psycopg.connect(postgres) as connection:
        connection.execute(setting.encode())
        with pytest.raises(psycopg.errors.UndefinedTable, match=r"cost_ledger|pg_dist_shard"):
            connection.execute(statement.encode())


def test_the_reasons_name_files_that_exist() -> None:
    named = re.findall(r"tests/\S+\.py", " ".join([*NOT_RUN.values(), *CHECKED_BY_KIND.values()]))
    assert len(named) == 4
    assert [name for name in named if not (ROOT / name).is_file()] == []
