from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from exporter.config import (
    Config,
    ConfigError,
    Database,
    Ledger,
    Limits,
    ProviderFamily,
    Refresh,
    ReportSettings,
    State,
    Waste,
    Window,
    load,
    parse,
)

ROOT = Path(__file__).parents[2]
DATABASES = "databases: {main: {dsn_env: MAIN_DSN}}\n"
MINIMAL = DATABASES + "ledgers: {costs: {database: main}}\n"
SCIDEX_COSTS = {
    "entry_id": "id",
    "occurred_at": "created_at",
    "provider": "provider",
    "cost_usd": "cost_usd",
    "quest_id": "quest_id",
    "task_id": "task_id",
    "model": "model",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
}
BUILT_IN = (
    ProviderFamily("MiniMax", ("minimax", "^max$")),
    ProviderFamily("Codex", ("codex",)),
    ProviderFamily("Bedrock", ("bedrock",)),
    ProviderFamily("GLM", (r"\bglm", "zhipu", r"\bz\.?ai\b")),
    ProviderFamily("OpenRouter", ("openrouter",), general=True),
    ProviderFamily("Azure", ("azure",), general=True),
    ProviderFamily("Ollama", ("ollama",), general=True),
    ProviderFamily("Groq", ("groq",), general=True),
    ProviderFamily("Together", (r"\btogether",), general=True),
    ProviderFamily("Fireworks", ("fireworks",), general=True),
    ProviderFamily("Google", ("google", "gemini", "vertex"), general=True),
    ProviderFamily("Anthropic", ("anthropic", "claude"), general=True),
    ProviderFamily("OpenAI", ("openai", r"\b(?:chat)?gpt-", r"^o[1-9]\b"), general=True),
    ProviderFamily("Mistral", ("mistral", "mixtral", "codestral"), general=True),
    ProviderFamily("DeepSeek", ("deepseek",), general=True),
    ProviderFamily("xAI", (r"\bx-?ai\b", r"\bgrok\b"), general=True),
    ProviderFamily("Meta", (r"\bmeta\b", r"\bmeta[_-]llama", r"\bllama"), general=True),
    ProviderFamily("Cohere", ("cohere", r"\bcommand-"), general=True),
)


def costs(keys: str) -> Ledger:
    """The costs ledger of a configuration that says this of it."""
    return parse(f"{DATABASES}ledgers: {{costs: {{database: main, {keys}}}}}", "config.yml").ledgers["costs"]


def test_defaults() -> None:
    assert parse(MINIMAL, "/etc/exporter/config.yml") == Config(
        profile="scidex",
        timezone=ZoneInfo("UTC"),
        databases={"main": Database(name="main", dsn_env="MAIN_DSN")},
        ledgers={"costs": Ledger(name="costs", database="main", table=("cost_ledger",), columns=SCIDEX_COSTS)},
        refresh=Refresh(
            interval=timedelta(seconds=15),
            settle=timedelta(minutes=15),
            statement_timeout=timedelta(seconds=20),
            stale_after=timedelta(minutes=10),
        ),
        state=State(path=Path("/etc/exporter/rollups.duckdb")),
        report=ReportSettings(
            windows=(Window("1d", 1), Window("7d", 7), Window("30d", 30), Window("lifetime", None)), top=15, timeline_days=30
        ),
        waste=Waste(min_tokens=1000, max_impact=Decimal("0.5")),
        limits=Limits(max_series=50_000, max_providers=50, models_per_provider=50),
        providers=BUILT_IN,
    )


def test_everything_that_can_be_said() -> None:
    config = parse(
        """
        profile: scidex
        timezone: America/New_York
        databases:
          one: {dsn: "postgresql://ledger@db/one"}
          two: {dsn_file: secrets/dsn}
        ledgers:
          impacts: {database: two, filter: "not deleted"}
          allocations: {database: one}
        refresh: {interval: 500ms, settle: 1h30m, statement_timeout: 2m, stale_after: 2h}
        state: {path: /var/lib/exporter/rollups.duckdb}
        report: {windows: [lifetime, 90d], top: 5, timeline_days: 366}
        waste: {min_tokens: 0, max_impact: -0.250}
        limits: {max_series: 1, max_providers: 2, models_per_provider: 3}
        shard: 'no "1"'
        providers: {Acme: [acme, '^ac-'], GLM: [chatglm]}
        """,
        "conf/config.yml",
    )

    assert config.timezone.key == "America/New_York"
    assert config.databases["one"] == Database(name="one", dsn="postgresql://ledger@db/one")
    assert config.databases["two"].dsn_file == Path.cwd() / "conf/secrets/dsn"
    assert list(config.ledgers) == ["allocations", "impacts"]
    assert config.ledgers["impacts"].filter == "not deleted"
    assert config.refresh == Refresh(
        interval=timedelta(milliseconds=500),
        settle=timedelta(minutes=90),
        statement_timeout=timedelta(minutes=2),
        stale_after=timedelta(hours=2),
    )
    assert config.state.path == Path("/var/lib/exporter/rollups.duckdb")
    windows = (Window("lifetime", None), Window("90d", 90))
    assert config.report == ReportSettings(windows=windows, top=5, timeline_days=366)
    assert str(config.waste.max_impact) == "-0.250"
    assert config.limits == Limits(max_series=1, max_providers=2, models_per_provider=3)
    assert config.shard == 'no "1"'
    assert config.providers == (ProviderFamily("Acme", ("acme", "^ac-")), ProviderFamily("GLM", ("chatglm",)), *BUILT_IN)


def test_columns_are_laid_over_those_of_the_profile() -> None:
    ledger = costs("columns: {model: model_name, updated_at: changed, task_id: null}")

    expected = {**SCIDEX_COSTS, "model": "model_name", "updated_at": "changed"}
    del expected["task_id"]
    assert ledger.table == ("cost_ledger",)
    assert ledger.columns == expected


def test_the_profiles_columns_stay_when_its_table_is_named() -> None:
    assert costs("table: Cost_Ledger").columns == SCIDEX_COSTS


def test_another_table_has_the_required_columns_and_those_that_are_listed() -> None:
    ledger = costs("table: public.llm_calls, columns: {entry_id: id, model: engine, quest_id: null}")

    assert ledger.table == ("public", "llm_calls")
    assert ledger.columns == {
        "entry_id": "id",
        "occurred_at": "occurred_at",
        "provider": "provider",
        "cost_usd": "cost_usd",
        "model": "engine",
    }


@pytest.mark.parametrize(
    "written, parts",
    [
        ("calls", ("calls",)),
        ("Public.LLM_Calls", ("public", "llm_calls")),
        ('"Mixed"."Case"', ("Mixed", "Case")),
        ('billing."a ""b"" c.d"', ("billing", 'a "b" c.d')),
        ("_x$1", ("_x$1",)),
    ],
)
def test_a_table_is_read_as_sql_reads_it(written: str, parts: tuple[str, ...]) -> None:
    assert costs(f"table: '{written}'").table == parts


def test_keys_and_words_are_taken_as_written() -> None:
    config = parse("databases: {yes: {dsn_env: NO}}\nledgers: {costs: {database: yes}}\nproviders: {1e3: [acme]}", "config.yml")

    assert config.databases["yes"].dsn_env == "NO"
    assert config.ledgers["costs"].database == "yes"
    assert config.providers[0].name == "1e3"


def test_mappings_cannot_be_changed() -> None:
    config = parse(MINIMAL, "config.yml")

    for mapping in (config.databases, config.ledgers, config.ledgers["costs"].columns):
        assert isinstance(mapping, MappingProxyType)


def test_a_configuration_does_not_show_its_connection_strings() -> None:
    text = MINIMAL.replace("dsn_env: MAIN_DSN", 'dsn: "postgresql://ledger:hunter2@db/main"')

    assert "hunter2" not in repr(parse(text, "config.yml"))


def test_the_example_is_right() -> None:
    assert set(load(ROOT / "examples/config.yml").ledgers) == {"allocations", "costs", "impacts", "quests"}


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


def test_a_directory_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)

    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_bytes(b"profile: scidex\n# caf\xe9\n")

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(caught.value) == f"{path}:2: is not UTF-8 text; save the file as UTF-8"


@pytest.mark.parametrize("file", ["/dev/zero", "large.yml"])
def test_a_file_that_is_too_large(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    if not path.exists():
        path.write_text(MINIMAL + "# a comment\n" * 10_000)

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(caught.value) == f"{path}: is larger than 100000 bytes; check the path"


def test_a_file_that_leads_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.symlink_to(path)

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(caught.value) == f"{path}: cannot be read: Too many levels of symbolic links"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())

    assert load(path).databases["main"].dsn_env == "MAIN_DSN"


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "config.yml: is empty; give at least databases and ledgers"),
        ("# nothing yet\n", "config.yml: is empty; give at least databases and ledgers"),
        ("databases\n", "config.yml:1: must be a mapping of keys, such as databases and ledgers"),
        ("profile: scidex\nstate: \x01\n", "config.yml:2: contains a character that YAML forbids; remove it"),
        ("providers: " + "[" * 10_000, "config.yml: is nested too deeply to be a configuration"),
    ],
)
def test_a_text_that_is_no_configuration(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "config.yml")

    assert str(caught.value) == message


def test_the_profile_knows_its_table_in_any_schema() -> None:
    ledger = costs("table: elsewhere.cost_ledger")
    assert ledger.table == ("elsewhere", "cost_ledger")
    assert ledger.columns == SCIDEX_COSTS
