#!/usr/bin/env bash
# deltalake 1.6.6: a CHECK constraint that compares a timestamp makes rows of the year 9999 unwritable, whatever it says.
#
# `at >= TIMESTAMP '2000-01-01 00:00:00+00:00'` is true for 9999-12-31, a common "no end" in tables. delta-rs compares in nanoseconds, which
# end in 2262, so the write fails with "Cannot cast Timestamp(µs, "UTC") value .. to Timestamp(ns)" instead of being accepted. Spark takes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "deltalake==1.6.6" "pyarrow==26.0.0"
cat >"$folder/look.py" <<'PY'
import sys
from datetime import datetime, timezone

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

path, schema = sys.argv[1], pa.schema([("at", pa.timestamp("us", tz="UTC"))])


def outcome(year):
    try:
        write_deltalake(path, pa.table({"at": [datetime(year, 12, 31, tzinfo=timezone.utc)]}, schema=schema), mode="append")
    except Exception as error:
        return "overflow" if "Timestamp(ns)" in str(error) else f"other: {error}"
    return "taken"


write_deltalake(path, schema.empty_table())
DeltaTable(path).alter.add_constraint({"from_2000": "at >= TIMESTAMP '2000-01-01 00:00:00+00:00'"})
found = {year: outcome(year) for year in (2024, 9999)}
print(found)
sys.exit(found != {2024: "taken", 9999: "overflow"})
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder/table"
echo "deltalake 1.6.6: as described above"
