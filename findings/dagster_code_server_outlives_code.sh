#!/usr/bin/env bash
# dagster 1.13.27: `dagster code-server start` goes on without the process that has loaded the code, and starts no other.
#
# The code server is a proxy: a child of it (`dagster api grpc`) has loaded the code. When the child has ended, the proxy stays, its own health
# check passes, and each question to it is answered with an error, until somebody reloads the location by hand. The child ends itself when it
# takes a heartbeat of the proxy for missed, which it judges by the wall clock, so a clock that leaps by more than 30 seconds can end it, too.
set -euo pipefail
folder=$(mktemp -d)
cleanup() {
    [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "dagster==1.13.27" "setuptools<81"
cat >"$folder/orders.py" <<'PY'
import dagster as dg


@dg.asset
def orders():
    return 1


defs = dg.Definitions(assets=[orders])
PY
cat >"$folder/ask.py" <<'PY'
import sys

from dagster._grpc.client import DagsterGrpcClient

client = DagsterGrpcClient(socket=sys.argv[1])
try:
    client.list_repositories()
    code = "the code is there"
except Exception as error:
    code = type(error).__name__
print(f"health: {client.health_check_query()}; the code: {code}")
PY
cd "$folder"
export DAGSTER_HOME="$folder"
"$folder/venv/bin/dagster" code-server start --python-file orders.py --socket "$folder/s" >"$folder/log" 2>&1 &
server=$!
for _ in $(seq 120); do [ -S "$folder/s" ] && break || sleep 1; done
ask() { "$folder/venv/bin/python" ask.py "$folder/s"; }
before=$(ask)
child=$(ps -A -ww -o pid=,ppid=,args= | awk -v parent="$server" '$2 == parent && /api grpc/ {print $1}')
kill -KILL "$child"
sleep 60
after=$(ask)
kill -0 "$server" && alive=yes || alive=no
children=$(ps -A -o pid=,ppid= | awk -v parent="$server" '$2 == parent' | wc -l)
echo "before: $before"
echo "a minute after its child has ended: $after; the proxy lives: $alive; its children: $children"
[ "$before" = "health: SERVING; the code: the code is there" ]
[ "$after" = "health: SERVING; the code: DagsterUserCodeUnreachableError" ]
[ "$alive $children" = "yes 0" ]
