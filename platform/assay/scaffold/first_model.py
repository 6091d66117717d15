"""The first gold model of a dataset: how many rows it published, in each partition or in all. A model to be replaced, with its contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.model.contract import Grain

if TYPE_CHECKING:
    from assay.contracts.model.contract import Contract

PERIODS = {Grain.DAY: "day", Grain.MONTH: "first_day"}
SUFFIXES = {Grain.DAY: "by_day", Grain.MONTH: "by_month", Grain.NONE: "in_all"}

SQL = """\
with

{dataset} as (

    select * from {{{{ source('silver', '{dataset}') }}}}
    where {{{{ in_window('{partition}') }}}}

),

final as (

    select
        cast(date_trunc('month', {partition}) as date) as month,
        {partition} as {period},
        count(*) as records
    from {dataset}
    group by {partition}

)

select * from final
"""
SQL_IN_ALL = """\
with

{dataset} as (

    select * from {{{{ source('silver', '{dataset}') }}}}

),

final as (

    select
        '{dataset}' as dataset,
        count(*) as records
    from {dataset}

)

select * from final
"""
HEAD = """\
apiVersion: v3.2.0
kind: DataContract
id: urn:assay:gold:{name}
name: {name}
version: 0.1.0
status: draft
team:
  name: {team}
  members: [{{username: "{owner}", role: owner}}]
schema:
  - name: {name}
    physicalName: {name}
    physicalType: table
"""
CONTRACT = """\
    description: How many rows of {dataset} were published, {each}.
    dataGranularityDescription: one row per {period}
    properties:
      - {{name: month, logicalType: date, required: true, partitioned: true, description: First day of the month.}}
      - {{name: {period}, logicalType: date, required: true, primaryKey: true, description: The partition of {dataset}.}}
      - {{name: records, logicalType: integer, required: true, description: Number of rows., logicalTypeOptions: {{minimum: 1}}}}
    quality:
      - name: month_is_of_{period}
        type: custom
        engine: assay
        implementation: month = date_trunc('month', {period})
        description: The partition is the month of the date.
    customProperties:
      - {{property: eventTime, value: {{column: {period}}}}}
"""
CONTRACT_IN_ALL = """\
    description: How many rows of {dataset} were published.
    dataGranularityDescription: one row
    properties:
      - {{name: dataset, logicalType: string, required: true, primaryKey: true, description: The dataset.}}
      - {{name: records, logicalType: integer, required: true, description: Number of rows., logicalTypeOptions: {{minimum: 0}}}}
    customProperties:
      - {{property: eventTime, value: {{column: none}}, description: "{dataset} has no events."}}
"""


@dataclass(frozen=True, slots=True)
class FirstModel:
    """A dbt model: its name, its SQL, and the text of its contract."""

    name: str
    sql: str
    contract: str


def first_model(contract: Contract) -> FirstModel:
    """Count the rows of a dataset, by its partitions if it has any."""
    grain = contract.partitioning.grain
    name = f"{contract.dataset}_{SUFFIXES[grain]}"
    said = {
        "name": name,
        "team": contract.dataset,
        "owner": contract.owner,
        "dataset": contract.dataset,
        "partition": contract.partitioning.column,
        "period": PERIODS.get(grain),
        "each": "day by day" if grain is Grain.DAY else "month by month",
    }
    sql, body = (SQL_IN_ALL, CONTRACT_IN_ALL) if grain is Grain.NONE else (SQL, CONTRACT)
    return FirstModel(name, sql.format(**said), (HEAD + body).format(**said))
