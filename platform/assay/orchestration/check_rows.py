"""Rows of Dagster's table of check executions, as the stock event log writes them."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def check_row(asset_key: str, check_name: str, status: str, event: Row, event_id: int) -> Row:
    """The row of a check that an event, whose row is given, plans or evaluates; without its partition."""
    return {
        "asset_key": asset_key, "check_name": check_name, "run_id": event["run_id"], "execution_status": status,
        "evaluation_event": event["event"], "evaluation_event_timestamp": event["timestamp"], "evaluation_event_storage_id": event_id,
    }  # fmt: skip
