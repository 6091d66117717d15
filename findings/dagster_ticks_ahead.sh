#!/usr/bin/env bash
# dagster 1.13.27: a sensor that has ticked by a clock that was ahead is not looked at again before that time, and nothing says so.
#
# The sensor daemon compares the time that has gone by since the newest tick with the sensor's interval. After the clock was set right that
# time is negative, so less than any interval: for a clock that was three days ahead the sensor is silent for three days. No tick, no log line,
# no error. Seen by the daemon's own loop over a sensor with an interval of 30 seconds, the clock frozen by Dagster's own test helper.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "dagster==1.13.27" "setuptools<81"
cat >"$folder/clocks.py" <<'PY'
import dagster as dg


@dg.sensor(name="looks", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def looks(context):
    return dg.SkipReason("nothing is new")


defs = dg.Definitions(sensors=[looks])
PY
cat >"$folder/look.py" <<'PY'
import logging
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.remote_representation.grpc_server_registry import GrpcServerRegistry
from dagster._core.test_utils import freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._grpc.server import GrpcServerCommand

RIGHT, AHEAD = datetime(2024, 3, 5, 12, tzinfo=UTC), timedelta(days=3)
said = []


class Kept(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())


logger = logging.getLogger("daemon")
logger.addHandler(Kept())
logger.setLevel(logging.INFO)
logger.propagate = False
origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="clocks", attribute="defs", working_directory="."), location_name="clocks")
servers = GrpcServerRegistry(
    instance_ref=None, server_command=GrpcServerCommand.API_GRPC, heartbeat_ttl=30, startup_timeout=30, wait_for_processes_on_shutdown=False
)
with dg.DagsterInstance.local_temp() as instance:
    with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin), grpc_server_registry=servers) as workspace:

        def ticks(at):
            said.clear()
            with freeze_time(at):
                assert not [error for error in execute_sensor_iteration(workspace, logger, None, None) if error]
            states = instance.all_instigator_state()
            return sum(len(instance.get_ticks(one.instigator_origin_id, one.selector_id)) for one in states)

        found = [ticks(RIGHT + AHEAD)]
        silent = []
        for hours in (0, 1, 24, 71):
            found.append(ticks(RIGHT + timedelta(hours=hours)))
            silent += said
        found.append(ticks(RIGHT + AHEAD + timedelta(minutes=1)))
print("ticks after a look three days ahead, then 0, 1, 24 and 71 hours after the clock was set right, then past the time that it had shown:")
print(found)
print("log lines while it was silent:", silent)
assert found == [1, 1, 1, 1, 1, 2], found
assert silent == [], silent
PY
(cd "$folder" && "$folder/venv/bin/python" look.py)
