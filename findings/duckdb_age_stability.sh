#!/usr/bin/env bash
# duckdb 2.0.0: the catalogue calls `age` of one timestamp CONSISTENT, although it reads the clock.
#
# `duckdb_functions()` says of `now`, `today` and `current_date` that they are CONSISTENT_WITHIN_QUERY, and of `random` that it is
# VOLATILE: by that a tool can refuse rules whose answer depends on when they are asked. `age(t)` is the time from `t` to today, so its
# answer is another one tomorrow, and the catalogue does not tell it from `age(t1, t2)`, which never changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "duckdb==2.0.0"
cat >"$folder/look.py" <<'PY'
import duckdb

said = "select distinct function_name, len(parameters), stability from duckdb_functions() where function_name in ('age', 'today', 'random')"
found = {(name, count): stability for name, count, stability in duckdb.sql(said).fetchall()}
for key, stability in sorted(found.items()):
    print(*key, stability)
assert found[("today", 0)] == "CONSISTENT_WITHIN_QUERY", found
assert found[("random", 0)] == "VOLATILE", found
assert found[("age", 2)] == "CONSISTENT", found
assert found[("age", 1)] == "CONSISTENT", found
same = "select age(t) = age(current_date::timestamp, t) from (values (timestamp '2000-01-01'), (timestamp '2020-02-29')) as known(t)"
print("age(t) is age(today, t):", duckdb.sql(same).fetchall())
assert all(equal for (equal,) in duckdb.sql(same).fetchall())
PY
"$folder/venv/bin/python" "$folder/look.py"
