#!/usr/bin/env bash
# polars 2.1.0 with pyarrow 26.0.1: a column without a name becomes `column_0` on its way from a PyArrow table, and keeps its empty name on
# every other way.
#
# pandas and R write the index of a frame as a column whose name is empty. Polars reads such a CSV or Parquet file with the name "", and
# gives it back to Arrow as "". Only `pl.from_arrow` and `pl.DataFrame(table)` invent a name, by place. So a table whose second column has no name,
# beside one called `column_1`, cannot be read by them (DuplicateError). The same table handed over by the Arrow C stream keeps "".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "polars==2.1.0" "pyarrow==26.0.1"
cat >"$folder/look.py" <<'PY'
import io

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


class Stream:
    """A table that offers nothing but the Arrow C stream."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


table, file = pa.table({"": [1], "a": [2]}), io.BytesIO()
pq.write_table(table, file)
file.seek(0)
found = {
    "read_csv": pl.read_csv(b",a\n1,2\n").columns,
    "read_parquet": pl.read_parquet(file).columns,
    "DataFrame(dict)": pl.DataFrame({"": [1], "a": [2]}).columns,
    "to_arrow": pl.DataFrame({"": [1], "a": [2]}).to_arrow().column_names,
    "DataFrame(C stream)": pl.DataFrame(Stream(table)).columns,
    "from_arrow": pl.from_arrow(table).columns,
    "DataFrame(table)": pl.DataFrame(table).columns,
}
for way, names in found.items():
    print(f"{way:20}", names)
invented = {"from_arrow", "DataFrame(table)"}
assert all(names == (["column_0", "a"] if way in invented else ["", "a"]) for way, names in found.items()), found
try:
    pl.from_arrow(pa.table({"column_1": [1], "": [2]}))
    refused = None
except pl.exceptions.DuplicateError as error:
    refused = str(error)
print("beside a column_1:  ", refused)
assert refused is not None
assert "column_1" in refused, refused
PY
"$folder/venv/bin/python" "$folder/look.py"
