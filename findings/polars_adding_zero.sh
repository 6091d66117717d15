#!/usr/bin/env bash
# polars 2.1.0: adding 0.0 to a float column does nothing, so -0.0 stays -0.0.
#
# IEEE 754 says that -0.0 + 0.0 is 0.0, and Python, NumPy and DuckDB agree. It is the usual way to have one spelling of zero
# before floats are written as text: in Polars "-0.0" and "0.0" remain, while `n_unique` and `group_by` take both for one value.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "polars==2.1.0" "duckdb==2.0.0" "numpy==2.4.6"
cat >"$folder/look.py" <<'PY'
import duckdb
import numpy
import polars as pl

frame = pl.DataFrame({"x": [0.0, -0.0]})
found = {
    "python": [str(x + 0.0) for x in (0.0, -0.0)],
    "numpy": [str(x) for x in (numpy.array([0.0, -0.0]) + 0.0).tolist()],
    "duckdb": [str(x) for (x,) in duckdb.sql("select x + 0.0::double from (values (0.0::double), ('-0.0'::double)) as t(x)").fetchall()],
    "polars": frame.select((pl.col("x") + 0.0).cast(pl.String))["x"].to_list(),
}
for engine, texts in found.items():
    print(f"{engine:7}", texts)
print("polars takes them for", frame["x"].n_unique(), "value")
assert found["python"] == found["numpy"] == found["duckdb"] == ["0.0", "0.0"], found
assert found["polars"] == ["0.0", "-0.0"], found
assert frame["x"].n_unique() == 1
PY
"$folder/venv/bin/python" "$folder/look.py"
