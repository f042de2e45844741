"""What holds for every configuration, not only for those that someone thought of."""

from datetime import timedelta
from decimal import Decimal

import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import Config, ConfigError, Database, Ledger, Limits, ProviderFamily, Refresh, Window, parse

MINIMAL = "databases: {main: {dsn_env: MAIN_DSN}}\nledgers: {costs: {database: main}}\n"
LENGTHS = st.builds(
    timedelta,
    hours=st.integers(0, 100),
    minutes=st.integers(0, 59),
    seconds=st.integers(0, 59),
    milliseconds=st.integers(1, 999),
)
COUNTS = st.integers(1, 2**31 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1).filter(str.strip)
LABELS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=80)
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", fullmatch=True)
OPTIONAL = ("quest_id", "task_id", "model", "input_tokens", "output_tokens", "updated_at")
PLAIN = """
databases:
  main:
    dsn: postgresql://ledger:hunter2@db/main
ledgers:
  costs: {database: main}
"""
FLOW = """
databases: {main: {dsn: host=db user=ledger password=hunter2 dbname=main}}
ledgers: {costs: {database: main}}
"""


def as_text(length: timedelta) -> str:
    seconds, milliseconds = divmod(length // timedelta(milliseconds=1), 1000)
    return f"{seconds // 3600}h{seconds % 3600 // 60}m{seconds % 60}s{milliseconds}ms"


def parsed(**sections: object) -> Config:
    return parse(MINIMAL + yaml.safe_dump(sections, sort_keys=False), "config.yml")


@given(NAMES, st.dictionaries(st.sampled_from(OPTIONAL), TEXTS), TEXTS)
def test_a_ledger_comes_back_as_it_was_written(database: str, columns: dict[str, str], condition: str) -> None:
    required = {"entry_id": "id", "occurred_at": "at", "provider": "vendor", "cost_usd": "usd"}
    ledger = {"database": database, "table": "calls", "columns": {**columns, **required}, "filter": condition}
    text = yaml.safe_dump({"databases": {database: {"dsn_env": "MAIN_DSN"}}, "ledgers": {"costs": ledger}})

    config = parse(text, "config.yml")

    assert config.databases == {database: Database(name=database, dsn_env="MAIN_DSN")}
    expected = Ledger(name="costs", database=database, table=("calls",), columns=columns | required, filter=condition)
    assert config.ledgers == {"costs": expected}


@given(st.fixed_dictionaries(dict.fromkeys(["interval", "settle", "statement_timeout", "stale_after"], LENGTHS)))
def test_durations_come_back_as_they_were_written(lengths: dict[str, timedelta]) -> None:
    assert parsed(refresh={name: as_text(length) for name, length in lengths.items()}).refresh == Refresh(**lengths)


@given(st.fixed_dictionaries(dict.fromkeys(["max_series", "max_providers", "models_per_provider"], COUNTS)))
def test_limits_come_back_as_they_were_written(counts: dict[str, int]) -> None:
    assert parsed(limits=counts).limits == Limits(**counts)


@given(st.lists(st.integers(1, 36_500), min_size=1, unique=True))
def test_windows_come_back_as_they_were_written(days: list[int]) -> None:
    assert parsed(report={"windows": [f"{count}d" for count in days]}).report.windows == tuple(
        Window(f"{count}d", count) for count in days
    )


@given(st.dictionaries(LABELS, st.lists(st.from_regex("[a-z ]+", fullmatch=True), min_size=1, max_size=2), max_size=2))
def test_provider_families_come_first_as_they_were_written(families: dict[str, list[str]]) -> None:
    expected = [ProviderFamily(name, tuple(patterns)) for name, patterns in families.items()]

    assert list(parsed(providers=families).providers[: len(families)]) == expected


@given(st.decimals(-(10**12), 10**12, places=3))
def test_a_threshold_keeps_its_digits(impact: Decimal) -> None:
    assert str(parse(f"{MINIMAL}waste: {{max_impact: {impact}}}", "config.yml").waste.max_impact) == str(impact)


@given(st.text() | st.text("{}[],:#&*!|>'\"%@`-? \nab1.").map(MINIMAL.__add__))
def test_any_text_is_a_configuration_or_a_clear_error(text: str) -> None:
    try:
        parse(text, "config.yml")
    except ConfigError as error:
        assert all(line.startswith("config.yml:") for line in str(error).splitlines())  # noqa: PT017 - both ends are right


@given(
    st.sampled_from([PLAIN, FLOW]),
    st.lists(st.tuples(st.integers(0, 80), st.sampled_from("{}[],:#&*!|>'\"%@`-?= \n")), min_size=1, max_size=3),
)
def test_no_slip_of_the_keyboard_shows_a_password(text: str, slips: list[tuple[int, str]]) -> None:
    for position, slip in slips:
        text = text[:position] + slip + text[position:]
    try:
        shown = repr(parse(text, "config.yml"))
    except ConfigError as error:
        shown = str(error)

    assert "hunter2" not in shown
