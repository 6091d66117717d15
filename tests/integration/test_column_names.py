"""Columns are called as their senders like: each name works down to what people read, or is refused by line with the reason."""

from __future__ import annotations

import csv
import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from assay.cli.lake_reader import query
from assay.contracts.inference.draft import DraftImpossible
from assay.contracts.reading.examine import examine
from assay.contracts.reading.odcs import load_contracts
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.slices import Partition, Slice
from assay.lake.snapshots import open_snapshot
from assay.refine.step import refine_partitions, silver_spec
from assay.steps import Run
from contract_head import landing_head
from drafted import draft_of, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

THINGS = (
    landing_head("things")
    + """\
schema:
  - name: things_landing
    physicalType: file
    properties:
      - {name: day, logicalType: string}
      - {name: thing, logicalType: string}
LANDING
  - name: things
    physicalType: table
    properties:
      - {name: PARTITION, logicalType: date, required: true, partitioned: true}
      - {name: thing, logicalType: string, required: true, primaryKey: true}
PUBLISHED
    customProperties:
      - {property: eventTime, value: {expression: day, format: yyyy-MM-dd, timeZone: Etc/UTC}}
      - {property: partitioning, value: {grain: GRAIN, start: 2024-01-01, end: 2024-02-01}}
      - {property: arrival, value: {grain: day, start: 2024-01-01, end: 2024-02-01}}
"""
)
LANDING_LINE = THINGS.splitlines().index("LANDING") + 1
FIRST = date(2024, 1, 1)
NUMBER = "logicalType: integer, logicalTypeOptions: {minimum: 0}"


def write(folder: Path, landing: Sequence[str], published: Sequence[str], partition: str = "thing_day", grain: str = "day") -> Path:
    text = THINGS.replace("PARTITION", partition).replace("GRAIN", grain)
    text = text.replace("LANDING", "\n".join(f"      - {{name: {json.dumps(name)}, logicalType: string}}" for name in landing))
    text = text.replace("PUBLISHED", "\n".join(f"      - {{{said}}}" for said in published))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "things.odcs.yaml").write_text(text)
    return folder / "things.odcs.yaml"


def carried(home: Path, contract: Path, names: Sequence[str], day: str = "2024-01-01") -> list[tuple[object, ...]]:
    """Four things land, one of them again: two have a value that cannot be. Returns what is published."""
    assert [str(one) for one in examine([contract])] == []
    found = load_contracts(contract.parent)["things"]
    run, file = Run(home / "lake", home / "landing", {"things": found}), home / "landing/things/things_2024-01-02.csv"
    file.parent.mkdir(parents=True)
    rows = [[day, thing, *([value] * len(names))] for thing, value in (("a", "1"), ("b", "-5"), ("c", "x"), ("a", "2"))]
    with file.open("w", newline="") as target:
        csv.writer(target).writerows([["day", "thing", *names], *rows])
    arrival, event = Partition("2024-01-02", ("2024-01-02",)), Partition("2024-01-01", ("2024-01-01",))
    assert [one.refusal for one in ingest(run, found, Slice(bronze_spec(found), (arrival,)))] == [None]
    (done,) = refine_partitions(run, found, Slice(silver_spec(found), (event,)))
    assert (done.facts["landed"], done.facts["published"], done.facts["quarantined"], done.facts["duplicates"]) == (4, 1, 2, 1)
    assert query(home / "lake", "select count(*) from bronze.things").fetchall() == [(4,)]
    return open_snapshot(home / "lake", "silver/things").scan().collect().rows()


@pytest.mark.parametrize(
    "name",
    [
        "severity", "reason", "rule", "raw", "run_id", "source_row", "_index", "_place", "_order", "_row", "_file", "_publication",
        "ID", "a b", "a.b", 'a"b', "größe", "select", "key", "literal", "index",
    ],
)  # fmt: skip
def test_a_column_of_any_name_lands_and_its_rejected_values_are_shown_as_they_came(tmp_path: Path, name: str) -> None:
    contract = write(tmp_path / "contracts", [name], [f"name: n, {NUMBER}, transformSourceObjects: [{json.dumps(name)}]"])
    assert carried(tmp_path, contract, [name]) == [(FIRST, "a", 2)]
    raws = query(tmp_path / "lake", "select raw from quarantine.things order by raw").fetchall()
    assert sorted(json.loads(raw)[name] for (raw,) in raws) == ["-5", "x"]


@pytest.mark.parametrize("name", ["severity", "_index", "_place", "_row", "_publication", "displaced", "_locked", "a.b"])
def test_a_column_of_any_name_is_published(tmp_path: Path, name: str) -> None:
    contract = write(tmp_path / "contracts", ["v"], [f"name: {name}, {NUMBER}, transformSourceObjects: [v]"])
    assert carried(tmp_path, contract, ["v"]) == [(FIRST, "a", 2)]


@pytest.mark.parametrize(("partition", "grain"), [("day", "day"), ("day", "month"), ("_row", "day"), ("_first", "day")])
def test_the_partition_column_is_filled_from_the_event_time_whatever_it_is_called(tmp_path: Path, partition: str, grain: str) -> None:
    contract = write(tmp_path / "contracts", ["v"], [f"name: n, {NUMBER}, transformSourceObjects: [v]"], partition, grain)
    assert carried(tmp_path, contract, ["v"], "2024-01-17" if grain == "month" else "2024-01-01") == [(FIRST, "a", 2)]
    raws = query(tmp_path / "lake", "select raw from quarantine.things").fetchall()
    assert {json.loads(raw)["day"] for (raw,) in raws} == {"2024-01-17" if grain == "month" else "2024-01-01"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("_source_row", "is a column that Assay adds to bronze"), ("_Event_Date", "is a column that Assay adds to bronze"),
        ("_partition", "is a column that Assay adds to quarantine"), ("__assay_index", "begins as the columns do that Assay works with"),
        ("*", "is read as a pattern of names by the engine"), ("^n.*$", "is read as a pattern of names by the engine"),
        ("Thing", "'Thing' and 'thing' are one column to DuckDB, Spark and Delta"), ("thing", "there is another column 'thing'"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_is_refused_by_line_where_it_lands_and_where_it_is_published(tmp_path: Path, name: str, reason: str) -> None:
    landing = [str(one) for one in examine([write(tmp_path / "a", [name], [f"name: n, {NUMBER}, transformSourceObjects: [day]"])])]
    assert [
        one
        for one in landing
        if f"things.odcs.yaml:{LANDING_LINE}: schema/0/properties/2/name: {reason}" in one or f"name: {name!r} {reason}" in one
    ]
    published = examine([write(tmp_path / "b", ["v"], [f"name: {json.dumps(name)}, {NUMBER}, transformSourceObjects: [v]"])])
    assert any("schema/1/properties/2/name: " in str(one) and reason in str(one) for one in published)
    if name != "thing":
        with pytest.raises(DraftImpossible, match="differ by capital letters only" if name == "Thing" else "no contract can name"):
            draft_of(table(**{"thing": ["1", "2"], name: ["a", "b"]}))
