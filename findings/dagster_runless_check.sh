#!/usr/bin/env bash
# dagster 1.13.27: a check of a partition can be reported without a run once, never again.
#
# DagsterInstance.report_runless_asset_event takes an AssetCheckEvaluation. With a partition the second evaluation of the same check and
# partition fails with sqlalchemy's IntegrityError: rows are unique by asset, check, run and partition, and events without a run share one
# (empty) run id. Without a partition any number can be reported.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "dagster==1.13.27" "setuptools<81"
cat >"$folder/look.py" <<'PY'
import logging

import dagster as dg

logging.disable(logging.CRITICAL)


def outcomes(partition):
    found = []
    with dg.instance_for_test() as instance:
        for _ in range(2):
            judged = dg.AssetCheckEvaluation(asset_key=dg.AssetKey("orders"), check_name="contract", passed=True, partition=partition)
            try:
                instance.report_runless_asset_event(judged)
                found.append("ok")
            except Exception as error:
                found.append(type(error).__name__)
    return found


whole, day = outcomes(None), outcomes("2024-01-01")
print("without a partition:", whole)
print("of a partition:     ", day)
assert whole == ["ok", "ok"], whole
assert day == ["ok", "IntegrityError"], day
PY
"$folder/venv/bin/python" "$folder/look.py"
