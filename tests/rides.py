"""A made-up dataset for tests of rows that are made up: rides by month in another zone, in a dialect of its own, with one key for all months."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract_head import head

if TYPE_CHECKING:
    from pathlib import Path

RIDES = (
    head("rides")
    + """\
servers:
  - server: landing
    type: local
    path: rides/{arrival:yyyy/MM}/rides_*.csv.gz
    format: csv
    encoding: ISO-8859-1
    customProperties:
      - {property: dialect, value: {delimiter: ";", decimalChar: ","}}
      - {property: nullValues, value: ["-"]}
schema:
  - name: rides_landing
    physicalType: file
    properties:
      - {name: id, logicalType: string}
      - {name: begun, logicalType: string}
      - {name: over, logicalType: string}
      - {name: fare, logicalType: string}
      - {name: tip, logicalType: string}
      - {name: plate, logicalType: string}
      - {name: kind, logicalType: string}
  - name: rides
    physicalType: table
    description: Rides.
    properties:
      - {name: month, logicalType: date, required: true, partitioned: true}
      - {name: ride, logicalType: integer, required: true, primaryKey: true, transformSourceObjects: [id]}
      - name: begun_at
        logicalType: timestamp
        required: true
        transformSourceObjects: [begun]
        logicalTypeOptions: {format: "dd.MM.yyyy HH:mm:ss", defaultTimezone: Asia/Kolkata}
      - name: over_at
        logicalType: timestamp
        transformSourceObjects: [over]
        logicalTypeOptions: {format: "dd.MM.yyyy HH:mm:ss", defaultTimezone: Asia/Kolkata}
      - {name: fare, logicalType: number, physicalType: "DECIMAL(8, 2)", required: true, logicalTypeOptions: {minimum: 2.5, maximum: 500}}
      - {name: tip, logicalType: number, physicalType: "DECIMAL(8, 2)", logicalTypeOptions: {minimum: 0}}
      - {name: plate, logicalType: string, required: true, logicalTypeOptions: {pattern: "^(?:KA|MH)-\\\\d{2}-[A-Z]{1,2}-\\\\d{4}$"}}
      - {name: kind, logicalType: string, enum: [{value: shared}, {value: private}]}
    quality:
      - name: over_after_begun
        type: custom
        engine: assay
        implementation: over_at > begun_at
        description: A ride ends after it has begun.
      - name: tip_is_usual
        type: custom
        engine: assay
        implementation: tip <= fare
        severity: warning
        description: Few tips are larger than the fare.
      - {name: some_rides, type: library, metric: rowCount, mustBeGreaterThan: 2, description: A month has rides.}
    customProperties:
      - property: eventTime
        value: {expression: begun, format: "dd.MM.yyyy HH:mm:ss", timeZone: Asia/Kolkata}
      - property: partitioning
        value: {grain: month, start: 2024-02-01, end: 2024-05-01}
      - property: arrival
        value: {grain: month, start: 2024-02-01, end: 2024-06-01, lateness: 1}
      - {property: keyScope, value: table}
      - property: rejectedShare
        value: {mustBeLessThan: 0.5}
"""
)


def write_rides(folder: Path) -> Path:
    """The contract in a folder. Returns its file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rides.odcs.yaml").write_text(RIDES)
    return folder / "rides.odcs.yaml"
