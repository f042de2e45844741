import pytest

from exporter import profiles
from exporter.config import ConfigError
from exporter.config.document import read
from exporter.config.ledgers import Context, Table
from exporter.config.loader import parse_profile
from exporter.config.settings import Config
from exporter.config.validation import validate


def test_scidex() -> None:
    found = {
        name: (ledger.table, dict(ledger.columns)) for name, ledger in parse_profile(profiles.read("scidex"), "scidex").items()
    }

    assert found == {
        "allocations": (
            ("quest_budget_allocations",),
            {"quest_id": "quest_id", "day": "day", "allocated_usd": "allocated_usd", "spent_usd": "spent_usd"},
        ),
        "costs": (
            ("cost_ledger",),
            {
                "entry_id": "id",
                "occurred_at": "created_at",
                "provider": "provider",
                "cost_usd": "cost_usd",
                "quest_id": "quest_id",
                "task_id": "task_id",
                "model": "model",
                "input_tokens": "input_tokens",
                "output_tokens": "output_tokens",
            },
        ),
        "impacts": (
            ("impact_ledger",),
            {
                "entry_id": "id",
                "occurred_at": "created_at",
                "task_id": "task_id",
                "cost_usd": "cost_usd",
                "total_tokens": "total_tokens",
                "impact_score": "impact_score",
                "quest_id": "quest_id",
                "layer": "layer",
                "task": "task_title",
                "updated_at": "updated_at",
            },
        ),
        "quests": (("quests",), {"quest_id": "id", "quest": "name", "layer": "layer"}),
    }


@pytest.mark.parametrize("name", profiles.names())
def test_every_profile_of_the_package_is_right(name: str) -> None:
    assert parse_profile(profiles.read(name), name)


def test_a_profile_is_as_strict_as_a_configuration() -> None:
    text = "ledgers:\n  costs:\n    table: calls\n    filter: 'true'\n    columns: {cost_usd: }\n  quests: {}\n"

    with pytest.raises(ConfigError) as caught:
        parse_profile(text, "acme.yml")

    assert str(caught.value).splitlines() == [
        "acme.yml:4: ledgers.costs.filter: unknown key; must be one of table, query, columns",
        "acme.yml:6: ledgers.quests: the profile does not map this ledger; give its table or a query",
    ]


def test_a_ledger_that_the_profile_does_not_map_needs_a_table() -> None:
    known = Context(databases=frozenset({"main"}), profile={"costs": Table(name="costs", table=("calls",))})
    text = "databases: {main: {dsn_env: MAIN}}\nledgers:\n  costs: {database: main}\n  impacts: {database: main}\n"

    with pytest.raises(ConfigError) as caught:
        validate(Config, read(text, "config.yml"), "config.yml", known)
    mended = text.replace("impacts: {", "impacts: {table: outcomes, ")
    validate(Config, read(mended, "config.yml"), "config.yml", known)

    expected = "config.yml:4: ledgers.impacts: the profile does not map this ledger; give its table or a query"
    assert str(caught.value) == expected
