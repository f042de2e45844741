"""The variables at the top of the dashboards."""

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from exporter.metrics import Metric
from exporter.sections import budgets, providers, spend
from grafana.queries import RECENT, Scope, every

DATASOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
EVERYTHING: Final = ".+"


def datasource() -> DatasourceVariable:
    """The Prometheus data source."""
    return DatasourceVariable("datasource").label("Data source").type("prometheus")


def job() -> QueryVariable:
    """The scrape jobs: several if several fleets are exported."""
    return _several("job", "Job", "label_values(resource_exporter_build_info, job)")


def instance() -> QueryVariable:
    """The exporters. Replicas have the same values, and no panel adds them up."""
    query = 'label_values(resource_exporter_build_info{job=~"$job"}, instance)'
    return _several("instance", "Instance", query)


def layer() -> QueryVariable:
    """The layers."""
    return _several("layer", "Layer", _values(spend.QUEST_SPEND, "layer"))


def quests(scope: Scope) -> QueryVariable:
    """The quests: shown by name, selected by id."""
    return _quest(_several, scope)


def quest() -> QueryVariable:
    """One quest."""
    return _quest(_chosen, Scope())


def _quest(pick: Callable[[str, str, str], QueryVariable], scope: Scope) -> QueryVariable:
    named = f"max by (quest_id, quest) (last_over_time({scope.selector(spend.QUEST_SPEND, window='1d')}[{RECENT}]))"
    found = '/quest="(?<text>.*?)",quest_id="(?<value>.*?)"/'
    return pick("quest", "Quest", f"query_result({named})").regex(found)


def provider() -> QueryVariable:
    """The providers."""
    return _several("provider", "Provider", _values(providers.SPEND, "provider"))


def window() -> QueryVariable:
    """One window of the report."""
    return _one_of("window", "Window", every(spend.QUEST_SPEND), "30d").sort(VariableSort.NUMERICAL_DESC)


def period(scope: Scope) -> QueryVariable:
    """One period of the budgets in the scope."""
    return _one_of("period", "Period", scope.selector(budgets.BUDGET), "month")


def _one_of(label: str, title: str, series: str, default: str) -> QueryVariable:
    """One value of a label. The default is a choice even where there is no series, so that titles never read "None"."""
    known = f"count by ({label}) (last_over_time({series}[{RECENT}]))"
    fallback = f'label_replace(vector(0), "{label}", "{default}", "", "")'
    chosen = _variable(label, title, f"query_result({known} or on () {fallback})")
    return chosen.regex(f'/{label}="(.*?)"/').current(VariableOption(text=default, value=default))


def _values(metric: Metric, label: str) -> str:
    return f"label_values({every(metric)}, {label})"


def _chosen(name: str, label: str, query: str) -> QueryVariable:
    everything = VariableOption(text="All", value="$__all")
    return _variable(name, label, query).include_all(include_all=True).all_value(EVERYTHING).current(everything)


def _several(name: str, label: str, query: str) -> QueryVariable:
    everything = VariableOption(text=["All"], value=["$__all"])
    return _chosen(name, label, query).multi(multi=True).current(everything)


def _variable(name: str, label: str, query: str) -> QueryVariable:
    variable = QueryVariable(name).label(label).datasource(DATASOURCE).query({"query": query, "refId": name}).definition(query)
    return variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
