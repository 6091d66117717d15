"""A key of two columns, one of them tokenized, in a table of months: what Dagster records of builds that take in other months."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assay.contracts.reading.odcs import load_contracts
from assay.erasure.person_search import search
from assay.erasure.removing import Person, remove_from_bronze, remove_from_claims
from assay.lake.snapshots import open_snapshot
from assay.masking.keyring import new_entry
from assay.orchestration.lake_assets import lake_assets
from assay.settings import Settings
from contract_head import landing_head

MEMBERSHIPS = (
    landing_head("memberships")
    + """\
schema:
  - name: memberships_landing
    physicalType: file
    properties:
      - {name: begins, logicalType: string}
      - {name: email, logicalType: string}
      - {name: plan, logicalType: string}
      - {name: fee, logicalType: string}
  - name: memberships
    physicalType: table
    properties:
      - {name: month, logicalType: date, required: true, partitioned: true}
      - name: email
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 1
        classification: personal
        customProperties: [{property: masking, value: {method: tokenize}}, {property: subject, value: customer}]
      - {name: plan, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 2}
      - {name: begins, logicalType: date, required: true}
      - {name: fee, logicalType: number, physicalType: "DECIMAL(9, 2)", required: true, logicalTypeOptions: {minimum: 0}}
    customProperties:
      - {property: keyScope, value: table}
      - {property: eventTime, value: {expression: begins, format: yyyy-MM-dd, timeZone: Asia/Tokyo}}
      - {property: partitioning, value: {grain: month, start: 2024-01-01, end: 2024-07-01}}
      - {property: arrival, value: {grain: day, start: 2024-01-01, end: 2024-07-01}}
"""
)
JANUARY, FEBRUARY, MARCH = (f"2024-{month:02d}-01" for month in (1, 2, 3))


class Club:
    """A home with memberships, and Dagster's records of what was built."""

    def __init__(self, folder: Path) -> None:
        (folder / "contracts").mkdir()
        (folder / "contracts/memberships.odcs.yaml").write_text(MEMBERSHIPS)
        self.folder, self.instance = folder / "contracts", dg.DagsterInstance.ephemeral()
        self.settings, self.contracts = Settings(folder / "home", folder / "dbt"), load_contracts(self.folder)
        self.settings.home.mkdir()
        self.new_key()

    def new_key(self) -> None:
        """Let a fresh key mask from now on."""
        ring = Path(self.settings.masking_keys.place)
        ring.write_text(f"{new_entry()}\n{ring.read_text() if ring.exists() else ''}")

    def land(self, day: str, *rows: tuple[str, str, str, str]) -> None:
        path = self.settings.landing / f"memberships/memberships_{day}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["begins,email,plan,fee", *(",".join(row) for row in rows)]) + "\n")
        assert self.build("bronze", day, day).success

    def build(self, layer: str, first: str, last: str) -> dg.ExecuteInProcessResult:
        assets = lake_assets(self.settings, self.contracts, self.folder)
        job = dg.Definitions(assets=assets).resolve_implicit_global_asset_job_def()
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        return job.execute_in_process(
            instance=self.instance, asset_selection=[dg.AssetKey([layer, "memberships"])], tags=tags, raise_on_error=False
        )

    def recorded(self, result: dg.ExecuteInProcessResult) -> dict[str | None, str]:
        """What a run has materialized, by partition."""
        events = [event for event in result.all_events if event.is_step_materialization]
        return {event.partition: str(event.step_materialization_data.materialization.metadata["assay/outcome"].value) for event in events}

    def rows(self) -> list[tuple[str, str, date]]:
        """Plan, month and day of each published membership; tokens stand for one person each."""
        frame = open_snapshot(self.settings.lake, "silver/memberships").scan().collect()
        assert frame.select("email", "plan").n_unique() == frame.height
        return sorted(frame.select("plan", pl.col("month").cast(pl.String), "begins").rows())


@pytest.fixture
def club(tmp_path: Path) -> Club:
    found = Club(tmp_path)
    found.land("2024-02-10", ("2024-01-15", "eve@example.org", "gold", "9.50"), ("2024-01-20", "bob@example.org", "gold", "9.50"))
    found.land("2024-02-11", ("2024-02-05", "eve@example.org", "blue", "5.00"))
    assert found.build("silver", JANUARY, FEBRUARY).success
    return found


def test_a_month_that_loses_a_row_is_recorded_by_the_run_of_the_month_that_gets_it(club: Club) -> None:
    club.land("2024-03-10", ("2024-03-02", "eve@example.org", "gold", "9.50"))
    done = club.build("silver", MARCH, MARCH)
    assert done.success
    assert club.recorded(done) == {JANUARY: "published", MARCH: "published"}
    checks = {event.partition: event.passed for event in done.get_asset_check_evaluations()}
    assert checks == {JANUARY: True, MARCH: True}
    assert club.rows() == [("blue", FEBRUARY, date(2024, 2, 5)), ("gold", JANUARY, date(2024, 1, 20)), ("gold", MARCH, date(2024, 3, 2))]
    again = club.build("silver", JANUARY, MARCH)
    assert club.recorded(again) == dict.fromkeys([JANUARY, FEBRUARY, MARCH], "unchanged")


def test_what_lies_beside_the_table_holds_no_name_and_goes_with_the_person(club: Club) -> None:
    claims = open_snapshot(club.settings.lake, "claims/memberships").scan().collect()
    assert claims["key"].str.contains("tok_").all()
    assert not claims["key"].str.contains("example").any()
    contract, lake, eve = club.contracts["memberships"], club.settings.lake, "eve@example.org"
    places = search(lake, contract, "customer", eve).places
    assert remove_from_bronze(lake, contract, Person("customer", eve)) == 2
    assert club.build("silver", JANUARY, FEBRUARY).success
    assert remove_from_claims(lake, "memberships", places) == 2
    left = open_snapshot(lake, "claims/memberships").scan().collect()
    assert {*left["key"]} == {*claims.filter(pl.col("source_row") == 2)["key"]}
    assert club.rows() == [("gold", JANUARY, date(2024, 1, 20))]


def test_under_another_key_of_masking_all_months_are_built_anew(club: Club) -> None:
    club.new_key()
    club.land("2024-03-10", ("2024-03-02", "eve@example.org", "gold", "9.50"))
    done = club.build("silver", MARCH, MARCH)
    assert club.recorded(done) == dict.fromkeys([JANUARY, FEBRUARY, MARCH], "published")
    assert len(club.rows()) == 3
