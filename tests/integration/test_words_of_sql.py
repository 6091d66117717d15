"""Datasets, models and columns whose names are words of SQL: from the landed file to the reader, nothing but their quotes is special."""

from __future__ import annotations

from datetime import date

import pytest
from calendar_products import Calendars

from assay.cli.lake_reader import query
from assay.contracts.reading.examine import examine
from assay.contracts.reading.odcs import load_product
from assay.gold.lineage import downstream, project_lineage
from assay.gold.published_views import view_statements
from assay.gold.trial import gold_trial
from assay.gold.view_lineage import view_nodes
from assay.gold.views import views_of
from contract_head import head

MODEL = (
    head("select")
    + """\
schema:
  - name: select
    physicalType: table
    description: Sums.
    dataGranularityDescription: one row per group and table
    properties:
      - {name: from, logicalType: date, required: true, partitioned: true, description: First day of the month.}
      - {name: group, logicalType: date, required: true, primaryKey: true, primaryKeyPosition: 1, description: Day.}
      - name: table
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 2
        description: A place.
        enum: [{value: east}, {value: west}]
        relationships:
          - to: join.place
      - name: order
        logicalType: integer
        physicalType: BIGINT
        required: true
        description: Sum of the readings.
        logicalTypeOptions: {minimum: 0}
        quality:
          - {name: order_is_there, metric: nullValues, mustBe: 0, description: There is an order.}
      - {name: rule, logicalType: number, physicalType: DOUBLE, description: Mean of the readings.}
      - {name: value, logicalType: string, description: What for.}
    quality:
      - {name: is_below, type: custom, engine: assay, implementation: '"order" < 100 AND "from" <= "group"', description: Orders are few.}
      - {name: mean, type: sql, query: 'SELECT AVG("order") FROM {object} WHERE "rule" > 0', mustBeGreaterThan: 0, description: Some order.}
    customProperties:
      - {property: eventTime, value: {column: group}}
      - property: consumers
        value:
          - {name: board, contact: board@example.org, columns: [order, group]}
"""
)
SQL = """\
select
    cast(date_trunc('month', "group") as date) as "from",
    "group",
    'east' as "table",
    cast(sum(value) as bigint) as "order",
    avg(value) as rule,
    'all' as value
from {{ source('silver', 'order') }}
where {{ in_window('"group"') }}
group by "group"
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Calendars:
    product = Calendars(tmp_path_factory.mktemp("words")).readings("order", column="group", end="2024-01-03", arrival_end="2024-01-04")
    product.reference("join").model("select", ["silver/order"], sql=SQL)
    (product.contracts / "gold/select.odcs.yaml").write_text(MODEL)
    product.land("join", "2024-01-01", ["east", "west"])
    for day in (1, 2, 3):
        product.land("order", f"2024-01-0{day}", [(f"2024-01-0{day}T10:00:00+00:00", day)])
    return product


@pytest.fixture(scope="module")
def built(product: Calendars) -> Calendars:
    failed = {title: why for title, why in product.backfill().items() if why}
    assert not failed
    return product


def test_the_contracts_are_sound(product: Calendars) -> None:
    assert examine([product.contracts], gold_trial) == []


def test_they_are_built_judged_and_read(built: Calendars) -> None:
    lake, contracts = built.world.settings.lake, load_product(built.contracts)
    assert built.world.rows("gold/select")["order"].to_list() == [1, 2]
    views = list(view_statements(lake, contracts, date(2024, 2, 1)))
    for table in ("gold.select", 'gold."select"', "v1.select"):
        assert query(lake, f'select "group", "order" from {table} order by 1', views=views).fetchall() == [
            (date(2024, 1, 1), 1), (date(2024, 1, 2), 2),
        ]  # fmt: skip
    assert query(lake, "select count(*) from silver.order").fetchall() == [(2,)]


def test_their_lineage_is_followed_to_the_readers(built: Calendars) -> None:
    contracts = load_product(built.contracts)
    nodes = [*project_lineage(built.world.dbt_project, {}), *(node for view in views_of(contracts) for node in view_nodes(view))]
    assert not [node for node in nodes if node.lineage is None]
    reached = {(one.kind, one.name, one.column) for one in downstream(nodes, "silver/order", "value")}
    assert {("gold", "gold/select", "order"), ("view", "v1/select", "order"), ("consumer", "board (board@example.org)", None)} <= reached


def test_a_broken_rule_is_counted_and_refuses_the_month(built: Calendars) -> None:
    before = built.world.versions()["gold/select"]
    built.land("order", "2024-01-02", [("2024-01-02T10:00:00+00:00", -50)])
    said = built.backfill()
    refusal = next(why for title, why in said.items() if "gold" in title)
    assert "select_rows_satisfy_rules failed" in str(refusal), said
    assert "broken_rules=['order_minimum']" in str(refusal)
    assert built.world.versions()["gold/select"] == before
