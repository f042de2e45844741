"""Queries of one moment as frames of rows, and what Grafana shall do with the frames before a panel draws them."""

from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

ROW: Final = "Row"
"""The number of a row, which begins at 0."""


def at_once(expression: str) -> Dataquery:
    """The values of one moment, a row each, with their labels as columns."""
    return Dataquery().instant().format(PromQueryFormat.TABLE).expr(expression)


def value_fields(queries: int) -> list[str]:
    """The names that Grafana gives to the values of so many queries."""
    return ["Value"] if queries == 1 else [f"Value #{letter}" for letter in ascii_uppercase[:queries]]


def step(kind: str, **options: object) -> DataTransformerConfig:
    """One transformation."""
    return DataTransformerConfig(id_val=kind, options=options)


def bar_end(source: str, target: str) -> DataTransformerConfig:
    """Take the one value of the query ``source`` as the end of the bars of the query ``target``.

    By itself, Grafana would draw all bars of a table against the greatest number in any of its columns.
    """
    mapping = {"fieldName": f"Value #{source}", "handlerKey": "max", "reducerId": "lastNotNull"}
    return step("configFromData", configRefId=source, mappings=[mapping], applyTo={"id": "byFrameRefID", "options": target})


def row_numbers(name: str) -> tuple[DataTransformerConfig, ...]:
    """Number the rows from 1. Before 10.0, Grafana cannot, and leaves the column out."""
    plus_one = {"left": ROW, "operator": "+", "right": "1"}
    return (
        step("calculateField", mode="index", alias=ROW, timeSeries=False),
        step("calculateField", mode="binary", binary=plus_one, alias=name, timeSeries=False),
    )
