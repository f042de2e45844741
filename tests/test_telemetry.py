import subprocess
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry, Counter, Metric, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.telemetry import OwnMetric, Telemetry

# Names, types and labels as the design fixes them.
EXPECTED = {
    "resource_exporter_build_info": ("gauge", ("version", "revision")),
    "resource_exporter_refresh_duration_seconds": ("histogram", ("stage",)),
    "resource_exporter_refreshes_total": ("counter", ("outcome",)),
    "resource_exporter_collector_success": ("gauge", ("collector",)),
    "resource_exporter_collector_duration_seconds": ("gauge", ("collector",)),
    "resource_exporter_collector_last_success_timestamp_seconds": ("gauge", ("collector",)),
    "resource_exporter_ledger_up": ("gauge", ("ledger",)),
    "resource_exporter_ledger_newest_entry_timestamp_seconds": ("gauge", ("ledger",)),
    "resource_exporter_ledger_oldest_entry_timestamp_seconds": ("gauge", ("ledger",)),
    "resource_exporter_ledger_watermark_certain": ("gauge", ("ledger",)),
    "resource_exporter_ledger_rows_read_total": ("counter", ("ledger",)),
    "resource_exporter_rejected_rows": ("gauge", ("ledger", "reason")),
    "resource_exporter_audited_buckets_total": ("counter", ("ledger",)),
    "resource_exporter_audit_repairs_total": ("counter", ("ledger",)),
    "resource_exporter_series": ("gauge", ("section",)),
    "resource_exporter_folded_series": ("gauge", ()),
    "resource_exporter_quest_top": ("gauge", ()),
    "resource_exporter_config_last_reload_successful": ("gauge", ()),
    "resource_exporter_config_last_reload_success_timestamp_seconds": ("gauge", ()),
}


@pytest.fixture
def telemetry() -> Telemetry:
    telemetry = Telemetry("1.2.3", "0123abc")
    telemetry.refresh_duration.labels("total").observe(0.2)
    telemetry.refreshes.labels("success").inc()
    telemetry.collector_success.labels("waste").set(1)
    telemetry.collector_duration.labels("waste").set(0.004)
    telemetry.collector_last_success.labels("waste").set(1.7e9)
    telemetry.ledger_up.labels("costs").set(1)
    telemetry.ledger_newest_entry.labels("costs").set(1.7e9)
    telemetry.ledger_oldest_entry.labels("costs").set(1.6e9)
    telemetry.watermark_certain.labels("costs").set(1)
    telemetry.ledger_rows_read.labels("costs").inc(12)
    telemetry.rejected_rows.labels("costs", "nan").set(2)
    telemetry.audited_buckets.labels("costs").inc()
    telemetry.audit_repairs.labels("costs").inc()
    telemetry.series.labels("waste").set(40)
    return telemetry


def own(families: Iterable[Metric]) -> set[str]:
    return {family.name for family in families if family.name.startswith("resource_")}


def test_the_catalogue_is_what_the_design_fixes() -> None:
    listed = {metric.name: (metric.type, metric.labels) for metric in Telemetry("", "").catalogue()}
    assert listed == EXPECTED


def test_the_text_format_has_each_metric_of_the_catalogue_with_name_help_and_type(telemetry: Telemetry) -> None:
    text = telemetry.render()[0].decode()
    for metric in telemetry.catalogue():
        assert f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.type}\n" in text
    assert len(own(parse_text(text))) == len(EXPECTED)


@pytest.mark.parametrize("metric", Telemetry("", "").catalogue(), ids=lambda metric: metric.name)
def test_every_entry_has_samples_with_the_labels_it_lists(telemetry: Telemetry, metric: OwnMetric) -> None:
    families = parse_text(telemetry.render()[0].decode())
    samples = [sample for family in families for sample in family.samples if sample.name.startswith(metric.name)]
    assert samples
    assert {frozenset(sample.labels) - {"le"} for sample in samples} == {frozenset(metric.labels)}


def test_the_openmetrics_format_is_complete(telemetry: Telemetry) -> None:
    page = telemetry.render()[1].decode()
    assert page.endswith("# EOF\n")
    families = parse_openmetrics(page)  # type: ignore[no-untyped-call]
    assert len(own(families)) == len(EXPECTED)


def test_outcomes_and_stages_are_zero_from_the_start() -> None:
    text = Telemetry("", "").render()[0].decode()
    for outcome in ("success", "partial", "failure"):
        assert f'resource_exporter_refreshes_total{{outcome="{outcome}"}} 0.0\n' in text
    for stage in ("read", "apply", "sections", "render", "total"):
        assert f'resource_exporter_refresh_duration_seconds_count{{stage="{stage}"}} 0.0\n' in text


def test_build_and_process_metrics_are_served(telemetry: Telemetry) -> None:
    text = telemetry.render()[0].decode()
    assert 'resource_exporter_build_info{revision="0123abc",version="1.2.3"} 1.0\n' in text
    for name in ("process_resident_memory_bytes", "python_info", "python_gc_collections_total"):
        assert f"# TYPE {name} " in text
    assert "_created" not in text


def test_a_shard_is_a_label_of_every_sample_in_both_formats(telemetry: Telemetry) -> None:
    without = {sample for family in parse_text(telemetry.render()[0].decode()) for sample in _ids(family)}
    telemetry.set_shard('e"u')
    text, openmetrics = (page.decode() for page in telemetry.render())
    for families in (parse_text(text), parse_openmetrics(openmetrics)):  # type: ignore[no-untyped-call]
        assert {sample for family in families for sample in _ids(family)} == {
            (name, labels | {("shard", 'e"u')}) for name, labels in without
        }
    telemetry.set_shard(None)
    assert "shard" not in telemetry.render()[0].decode()


def _ids(family: Metric) -> Iterable[tuple[str, frozenset[tuple[str, str]]]]:
    return ((sample.name, frozenset(sample.labels.items())) for sample in family.samples)


def test_two_registries_share_no_values(telemetry: Telemetry) -> None:
    assert 'ledger_up{ledger="costs"}' not in Telemetry("", "").render()[0].decode()


@pytest.mark.prometheus
def test_promtool_finds_nothing(telemetry: Telemetry) -> None:
    page = telemetry.render()[0].decode()
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False, text=True)
    assert (checked.stdout + checked.stderr).splitlines() == []


def test_times_of_creation_are_left_out_here_and_nowhere_else(telemetry: Telemetry) -> None:
    assert [body for body in telemetry.render() if b"_created" in body] == []
    Counter("calls", "Calls of a program that imports the package.", registry=(registry := CollectorRegistry()))
    assert b"calls_created" in generate_latest(registry)
