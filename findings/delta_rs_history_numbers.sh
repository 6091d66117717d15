#!/usr/bin/env bash
# deltalake 1.6.6: `DeltaTable.history()` gives wrong version numbers as soon as one commit says nothing of itself.
#
# In the Delta protocol `commitInfo` is optional: a commit of a `txn` action alone is whole. delta-rs reads such a table as it is, at its
# right version. But its history leaves that commit out, and counts the others from the newest version down, so each commit before it is
# told under a number one too high: the commit that made the table is version 1 here, and there is no version 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "deltalake==1.6.6" "pyarrow==26.0.1"
cat >"$folder/look.py" <<'PY'
import json
import sys
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

place = sys.argv[1]
write_deltalake(place, pa.table({"reading": [1, 2]}))
write_deltalake(place, pa.table({"reading": [3]}), mode="append")
told = [(one["version"], one["operation"], one["operationParameters"]["mode"]) for one in DeltaTable(place).history()]
print("two commits:", told)
assert [version for version, _, _ in told] == [1, 0], told

entry = Path(place, "_delta_log", f"{2:020d}.json")
entry.write_text(json.dumps({"txn": {"appId": "meter", "version": 7}}) + "\n")
table = DeltaTable(place)
now = [(one["version"], one["operation"], one["operationParameters"]["mode"]) for one in table.history()]
print("and a third, without commitInfo:", now, "at version", table.version())
assert table.version() == 2
assert table.transaction_version("meter") == 7
assert now == [(version + 1, *rest) for version, *rest in told], now
print("the newest commit alone:", table.history(limit=1))
assert table.history(limit=1) == []
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder/table"
