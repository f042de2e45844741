import subprocess
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric as Parsed
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.exposition.render import Renderer
from exporter.metrics import Family, Labels, Metric
from exporter.requirements import COSTS
from exporter.sections import SECTIONS

SPEND = Metric("resource_spend_usd", "USD billed.", ("quest", "model"), (COSTS,))
ELAPSED = Metric("resource_budget_day_elapsed_ratio", "Share of the day.", (), ())

LABELS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\"\n\r\t{},= #'), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def parsed(families: Iterable[Parsed]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(sample.name, tuple(sample.labels.items())): sample.value for family in families for sample in family.samples}


def test_families_are_rendered_in_the_given_order() -> None:
    page = Renderer().render([Family(SPEND, [(("Gene", "glm-4"), 1.5), (("Atlas", "o3"), 0.0)]), Family(ELAPSED, [((), 0.25)])])
    assert page.decode() == (
        "# HELP resource_spend_usd USD billed.\n"
        "# TYPE resource_spend_usd gauge\n"
        'resource_spend_usd{quest="Gene",model="glm-4"} 1.5\n'
        'resource_spend_usd{quest="Atlas",model="o3"} 0.0\n'
        "# HELP resource_budget_day_elapsed_ratio Share of the day.\n"
        "# TYPE resource_budget_day_elapsed_ratio gauge\n"
        "resource_budget_day_elapsed_ratio 0.25\n"
    )


def test_only_backslash_quote_and_line_end_are_escaped() -> None:
    page = Renderer().render([Family(SPEND, [(("a\\b", 'say "é%s"\n{x}'), 1.0)])])
    assert page.splitlines()[-1].decode() == r'resource_spend_usd{quest="a\\b",model="say \"é%s\"\n{x}"} 1.0'


def test_a_shard_is_the_last_label_of_every_sample() -> None:
    families = [Family(SPEND, [(("Gene", "50 %"), 1.5)]), Family(ELAPSED, [((), 0.25)])]
    renderer = Renderer()
    without = renderer.render(families)
    lines = renderer.render(families, 'e"u\\ 1 %s').decode().splitlines()
    assert lines[2] == r'resource_spend_usd{quest="Gene",model="50 %",shard="e\"u\\ 1 %s"} 1.5'
    assert lines[5] == r'resource_budget_day_elapsed_ratio{shard="e\"u\\ 1 %s"} 0.25'
    assert renderer.render(families) == without


def test_a_lone_surrogate_is_replaced() -> None:
    assert b'quest="a?b"' in Renderer().render([Family(SPEND, [(("a\ud800b", ""), 1.0)])])


@pytest.mark.parametrize(
    "number,text",
    [(0.1, "0.1"), (-2.0, "-2.0"), (12345678.0, "1.2345678e+07"), (10_000_000.0, "1e+07"), (1e-7, "1e-07"), (3, "3.0")],
)
def test_numbers_have_the_format_of_the_client_library(number: float, text: str) -> None:
    assert Renderer().render([Family(ELAPSED, [((), number)])]).split()[-1].decode() == text


@given(st.dictionaries(st.tuples(LABELS, LABELS), NUMBERS, max_size=8))
def test_both_parsers_read_the_rendered_samples(samples: dict[Labels, float]) -> None:
    page = Renderer().render([Family(SPEND, list(samples.items()))]).decode()
    expected = {
        ("resource_spend_usd", (("quest", quest), ("model", model))): number for (quest, model), number in samples.items()
    }
    assert parsed(parse_text(page)) == expected
    assert parsed(parse_openmetrics(page + "# EOF\n")) == expected  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "metric", [metric for section in SECTIONS.values() for metric in section.METRICS], ids=lambda m: m.name
)
def test_help_texts_need_no_escaping_in_either_format(metric: Metric) -> None:
    assert not set(metric.help) & set('\\"\n')


@pytest.mark.prometheus
def test_promtool_accepts_the_whole_catalogue() -> None:
    metrics = [metric for section in SECTIONS.values() for metric in section.METRICS]
    page = Renderer().render(Family(metric, [(('h\\o"s\nt',) * len(metric.labels), 1.0)]) for metric in metrics)
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
