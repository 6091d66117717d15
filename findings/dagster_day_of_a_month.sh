#!/usr/bin/env bash
# dagster 1.13.27: a run for a day within a month makes the month after, and succeeds.
#
# A run says by tags which partitions it is for: `dagster/partition`, or the two ends of a range. Of an asset by the month a run for
# 2024-02-15 is told nowhere that there is no such partition: AssetExecutionContext.partition_keys is ['2024-03-01'], the materialization
# is recorded for March, and February is as it was. A run for 2024-02-01 makes February.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "dagster==1.13.27" "setuptools<81"
cat >"$folder/look.py" <<'PY'
import logging

import dagster as dg

logging.disable(logging.CRITICAL)
PARTITION = "dagster/partition"
FIRST, LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def made(tags):
    @dg.asset(partitions_def=dg.MonthlyPartitionsDefinition("2024-01-01"), backfill_policy=dg.BackfillPolicy.single_run())
    def sales(context):
        assert sorted(context.partition_keys)

    with dg.instance_for_test() as instance:
        assert dg.materialize([sales], instance=instance, tags=tags).success
        return sorted(instance.get_materialized_partitions(dg.AssetKey("sales")))


month, day = made({PARTITION: "2024-02-01"}), made({PARTITION: "2024-02-15"})
of_a_range = made({FIRST: "2024-02-15", LAST: "2024-02-15"})
print("a run for 2024-02-01 makes:", month)
print("a run for 2024-02-15 makes:", day)
print("as a range of that day:    ", of_a_range)
assert month == ["2024-02-01"], month
assert day == of_a_range == ["2024-03-01"], (day, of_a_range)
PY
"$folder/venv/bin/python" "$folder/look.py"
