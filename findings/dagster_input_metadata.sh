#!/usr/bin/env bash
# dagster 1.13.27: InputContext.add_input_metadata fails for an input of several partitions.
#
# An IO manager may attach metadata to what it loads. For an input that spans more than one partition the call raises
# "Tried to access partition key .., but the number of input partitions != 1" and the step fails, although all was loaded.
# The documentation names no such limit. With one partition, and with none, it works.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "dagster==1.13.27" "setuptools<81"
cat >"$folder/look.py" <<'PY'
import logging

import dagster as dg

logging.disable(logging.CRITICAL)
DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03")


class Memory(dg.IOManager):
    def handle_output(self, context, obj):
        pass

    def load_input(self, context):
        context.add_input_metadata({"rows": 7})
        return 7


def outcome(reader_partitions, key):
    @dg.asset(partitions_def=reader_partitions)
    def reader(days):
        pass

    try:
        dg.materialize([reader, dg.AssetSpec("days", partitions_def=DAYS)], selection=["reader"], partition_key=key, resources={"io_manager": Memory()})
    except Exception as error:
        return str(error.__cause__ or error)
    return "ok"


one, several = outcome(DAYS, "2024-01-01"), outcome(None, None)
print("one partition:     ", one)
print("several partitions:", several[:120])
assert one == "ok", one
assert "number of input partitions != 1" in several, several
PY
"$folder/venv/bin/python" "$folder/look.py"
