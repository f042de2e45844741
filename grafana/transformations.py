"""Instant queries as table frames, and the Grafana transformations of these frames."""

from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

ROW: Final = "Row"
"""The field of the row number, from 0."""


def at_once(expression: str) -> Dataquery:
    """An instant query as a table: one row per series, with its labels as columns."""
    return Dataquery().instant().format(PromQueryFormat.TABLE).expr(expression)


def value_fields(queries: int) -> list[str]:
    """The names that Grafana gives to the value fields of this number of queries."""
    return ["Value"] if queries == 1 else [f"Value #{letter}" for letter in ascii_uppercase[:queries]]


def step(kind: str, **options: object) -> DataTransformerConfig:
    """One transformation."""
    return DataTransformerConfig(id_val=kind, options=options)


def bar_end(source: str, target: str) -> DataTransformerConfig:
    """Use the single value of the query ``source`` as the maximum of the bars of the query ``target``.

    By default, Grafana scales all bars of a table to the maximum over all columns.
    """
    mapping = {"fieldName": f"Value #{source}", "handlerKey": "max", "reducerId": "lastNotNull"}
    return step("configFromData", configRefId=source, mappings=[mapping], applyTo={"id": "byFrameRefID", "options": target})


def row_numbers(name: str) -> tuple[DataTransformerConfig, ...]:
    """Number the rows from 1. Grafana before 10.0 cannot do this and omits the column."""
    plus_one = {"left": ROW, "operator": "+", "right": "1"}
    return (
        step("calculateField", mode="index", alias=ROW, timeSeries=False),
        step("calculateField", mode="binary", binary=plus_one, alias=name, timeSeries=False),
    )
