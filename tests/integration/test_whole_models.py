"""Gold models of reference data alone: tables without partitions, built whole when an input or the SQL changes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import duckdb
import pytest
from calendar_products import Calendars

from assay.contracts.reading.odcs import load_product
from assay.gold.published_views import view_statements
from assay.lake.snapshots import open_snapshot
from assay.orchestration.build import assemble

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: urn:test:{name}
name: {name}
version: 1.0.0
status: active
team: {{name: tests, members: [{{username: owner@example.org, role: owner}}]}}
schema:
  - name: {name}
    physicalType: table
    description: Places.
    dataGranularityDescription: one row per place
    properties:
      - {{name: place, logicalType: string, required: true, primaryKey: true, description: Name.}}
      - {{name: letters, logicalType: integer, physicalType: BIGINT, required: true, description: Letters., logicalTypeOptions: {{minimum: 1}}}}
    quality:
      - {{name: has_rows, metric: rowCount, mustBeGreaterThan: 1, description: There are places.}}
    customProperties:
      - {{property: eventTime, value: {{column: none}}, description: Places have no events.}}
"""
SQL = "select place, cast(length(place) as bigint) as letters from {{ %s }}"
OF_SILVER, OF_GOLD = SQL % "source('silver', 'places')", SQL % "ref('lengths')"
JOINED = """\
select cast(date_trunc('month', period) as date) as month, period as moment, cast(sum(value) * max(letters) as bigint) as total
from {{ source('silver', 'meter') }} cross join (select max(letters) as letters from {{ ref('lengths') }}) as longest
where {{ in_window('period') }}
group by period
"""


class Shop(Calendars):
    """Places alone, or with the readings of a meter; `lengths` is a gold table of the places, `again` one of that."""

    def whole(self, name: str, sql: str, **said: str) -> Shop:
        text = CONTRACT.format(name=name)
        for old, new in said.items():
            text = text.replace(*{"version": ("version: 1.0.0", f"version: {new}"), "minimum": ("minimum: 1", f"minimum: {new}")}[old])
        self._write(f"gold/{name}.odcs.yaml", text)
        (self.world.dbt_project / f"models/gold/{name}.sql").write_text(sql)
        return self

    def run(self) -> dict[str, str | None]:
        self.world.compile()
        return self.backfill_sound()

    def lengths(self, table: str = "gold/lengths") -> dict[str, int]:
        return dict(self.world.rows(table).select("place", "letters").sort("place").rows())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    shop.reference("places")
    shop.land("places", "2024-01-01", ["Pune", "Oslo"])
    return shop.whole("lengths", OF_SILVER).whole("again", OF_GOLD)


def test_a_product_of_reference_data_alone_reaches_gold_and_follows_its_input_and_its_sql(shop: Shop) -> None:
    done = shop.run()
    assert set(done.values()) == {None}
    assert shop.lengths() == shop.lengths("gold/again") == {"Pune": 4, "Oslo": 4}
    before = shop.world.versions()
    assert shop.run() == {}
    shop.land("places", "2024-01-02", ["Pune", "Lima"])
    assert set(shop.run().values()) == {None}
    assert shop.lengths() == shop.lengths("gold/again") == {"Pune": 4, "Lima": 4}
    assert open_snapshot(shop.world.settings.lake, "gold/lengths").version == before["gold/lengths"] + 1
    shop.whole("lengths", OF_SILVER.replace("length(place)", "length(place) + 1"))
    assert set(shop.run().values()) == {None}
    assert shop.lengths() == {"Pune": 5, "Lima": 5}
    assert shop.lengths("gold/again") == {"Pune": 4, "Lima": 4}


def test_a_broken_rule_refuses_the_whole_table_and_the_sensor_asks_again_when_it_is_mended(shop: Shop) -> None:
    shop.run()
    shop.land("places", "2024-01-02", ["Lima"])
    failure = "".join(str(why) for why in shop.run().values() if why)
    assert "gold/lengths: the partition was refused" in failure
    assert "months_satisfy" in failure or "has_rows" in failure
    assert shop.lengths() == {"Pune": 4, "Oslo": 4}
    shop.land("places", "2024-01-03", ["Lima", "Bonn"])
    assembly = assemble(shop.world.settings, shop.contracts)
    sensor = next(one for one in assembly.definitions.sensors or () if one.name == "arrivals")
    asked = []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(3):
            tick = sensor(dg.build_sensor_context(instance, definitions=assembly.definitions))  # type: ignore[operator]  # a sensor by decorator
            assert isinstance(tick, dg.SensorResult)
            for request in tick.run_requests or ():
                assert request.job_name is not None
                job = assembly.definitions.resolve_job_def(request.job_name)
                ran = job.execute_in_process(
                    instance=instance, asset_selection=request.asset_selection, tags=request.tags, raise_on_error=False
                )
                assert ran.success
                asked.append(request.job_name)
    assert asked == ["snapshot_bronze", "snapshot_silver", "snapshot_gold"]
    assert shop.lengths() == shop.lengths("gold/again") == {"Lima": 4, "Bonn": 4}


def test_a_model_of_months_reads_a_whole_table_as_reference_data(shop: Shop) -> None:
    shop.readings("meter", end="2024-03-01").model("joined", ["meter"], sql=JOINED)
    for day in ("2024-01-05", "2024-02-05"):
        shop.land("meter", day, [(f"{day}T08:00:00Z", 5)])
    assert set(shop.run().values()) == {None}
    assert shop.world.rows("gold/joined")["total"].to_list() == [20, 20]
    shop.land("places", "2024-01-02", ["Pune", "Reykjavik"])
    assert set(shop.run().values()) == {None}
    assert shop.world.rows("gold/joined")["total"].to_list() == [45, 45]
    assert shop.run() == {}


def test_another_major_version_replaces_the_table_and_its_view_follows(shop: Shop) -> None:
    shop.run()
    shop.whole("lengths", OF_SILVER, version="2.0.0")
    assert set(shop.run().values()) == {None}
    product = load_product(shop.contracts)
    with duckdb.connect() as connection:
        for statement in view_statements(shop.world.settings.lake, product, date(2024, 1, 1)):
            connection.execute(statement)
        assert connection.sql("select place, letters from v2.lengths order by 1").fetchall() == [("Oslo", 4), ("Pune", 4)]


def test_a_table_of_months_is_not_replaced_by_one_without_and_stays_as_it_is(shop: Shop) -> None:
    shop.readings("meter", end="2024-02-01").model("sums", ["meter"])
    shop.land("meter", "2024-01-05", [("2024-01-05T08:00:00Z", 5)])
    assert set(shop.run().values()) == {None}
    shop.whole("sums", OF_SILVER)
    failure = " ".join(str(why) for why in shop.run().values() if why)
    assert "gold/sums" in failure
    assert "SchemaDrift" in failure
    assert shop.world.rows("gold/sums")["total"].to_list() == [5]


def test_a_model_whose_event_time_does_not_fit_what_it_reads_is_left_out(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.reference("places").readings("meter", end="2024-02-01").model("sums", ["meter"]).model("dated", ["places"])
    shop.whole("timeless", SQL % "source('silver', 'meter')")
    shop.world.compile()
    left = {one.name: one.why for one in assemble(shop.world.settings, shop.contracts).left_out}
    assert left == {
        "model dated": "it reads no table with partitions (silver/places), so there are no months: say eventTime: {column: none} in its contract"
        " to build it whole.",
        "model timeless": "it has no event time, but reads silver/meter, which has partitions: name the column whose month is a row's.",
    }
