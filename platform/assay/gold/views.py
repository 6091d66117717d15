"""Consumer views: each major version of a gold model as its readers were promised it, computed from the published table.

The highest major version shows the model's own columns; an older one computes its columns from those. Columns come in the order of the
contract, cast to its types, masked where it says so. Nothing here knows what day it is: whoever asks says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.model.contract import MaskingMethod
from assay.lake.duckdb_sql import duckdb_type, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from assay.contracts.model.contract import Column
    from assay.contracts.model.gold_contract import GoldContract, ProductContracts


@dataclass(frozen=True, slots=True)
class ConsumerView:
    """One major version of a model, and the highest one, which the published table has the columns of."""

    contract: GoldContract
    current: GoldContract

    @property
    def schema(self) -> str:
        """The schema that it is found in, such as `v1`."""
        return f"v{self.contract.major}"

    @property
    def until(self) -> date | None:
        """The day from which it is gone."""
        return self.contract.deprecated.until if self.contract.deprecated else None

    def has_ended(self, today: date) -> bool:
        """Whether it is gone by now; the day that was named is the first without it."""
        return self.until is not None and self.until <= today

    def status(self, today: date) -> str:
        """What its readers should know."""
        if self.has_ended(today):
            return f"ended on {self.until}"
        if self.contract.deprecated:
            return f"deprecated until {self.until}" if self.until else "deprecated"
        return "current"

    def select(self, relation: str) -> str:
        """SQL that reads it from a relation with the columns of the highest version."""
        return f"SELECT {', '.join(f'{sql} AS {quoted(name)}' for name, sql in shown(self.contract).items())} FROM {relation}"  # noqa: S608  # quoted

    def select_own(self, relation: str) -> str:
        """SQL that reads it from a relation that has its own columns."""
        columns = ", ".join(f"{_shown(quoted(column.name), column)} AS {quoted(column.name)}" for column in self.contract.columns)
        return f"SELECT {columns} FROM {relation}"  # noqa: S608  # quoted

    def refusal(self) -> str:
        """Why nothing is shown any more, and what to read instead."""
        said = self.contract.deprecated
        instead = (said.use_instead if said else None) or self.current.view
        since = f", deprecated since {said.since}" if said else ""
        return f"{self.contract.view} ended on {self.until}{since}: read {instead} instead"

    def refuse(self, why: str) -> str:
        """SQL with its columns whose every use fails and says why, so that a reader is told more than that a table is missing."""
        said = f"error({literal(why)})"
        columns = ", ".join(
            f"CAST({said} AS {duckdb_type(arrow_type(column))}) AS {quoted(column.name)}" for column in self.contract.columns
        )
        return f"SELECT {columns} FROM range(1) WHERE {said}"  # noqa: S608  # quoted


def views_of(product: ProductContracts) -> Iterator[ConsumerView]:
    """Every consumer view of every model, the highest major version first."""
    for model, current in product.models.items():
        yield from (ConsumerView(contract, current) for contract in product.majors(model))


def computed(contract: GoldContract) -> Mapping[str, str]:
    """For each column of a contract the SQL that computes it from the columns of the highest version, cast to the promised type."""
    return {column.name: _cast(_source(column), column) for column in contract.columns}


def shown(contract: GoldContract) -> Mapping[str, str]:
    """The same, masked where the contract says so."""
    return {column.name: _shown(_source(column), column) for column in contract.columns}


def _shown(sql: str, column: Column) -> str:
    return _cast(_masked(sql, column), column)


def _source(column: Column) -> str:
    return f"({column.expression})" if column.expression else quoted(column.sources[0] if column.sources else column.name)


def _cast(sql: str, column: Column) -> str:
    return f"CAST({sql} AS {duckdb_type(arrow_type(column))})"


def _masked(sql: str, column: Column) -> str:
    masking = column.masking
    if masking is None:
        return sql
    match masking.method:
        case MaskingMethod.TRUNCATE:
            return f"left({sql}, {masking.keep})"
        case MaskingMethod.GENERALIZE if isinstance(masking.to, str):
            return f"date_trunc({literal(masking.to)}, {sql})"
        case MaskingMethod.GENERALIZE:
            return f"floor({sql} / {masking.to}) * {masking.to}"
    return "NULL"  # nullify; other methods need a key and are refused in gold
