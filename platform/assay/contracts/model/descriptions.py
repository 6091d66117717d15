"""Descriptions: a dataset and a column in the words that every catalogue shows, from dbt and Dagster to schemas for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.contracts.model.contract import Column, Published


def dataset_words(contract: Published) -> str:
    """What a dataset is and what one row of it stands for, as every catalogue shows it."""
    return f"{contract.description} Grain: {contract.granularity}."


def column_words(column: Column) -> str:
    """What a column holds and in which unit, as every catalogue shows it."""
    return column.description + (f" Unit: {column.unit}." if column.unit else "")
