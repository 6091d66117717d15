"""The version of Dagster that the event log was verified against. Nothing else of the engine needs one exact version."""

from __future__ import annotations

import dagster as dg

from assay.errors import SettingsError

VERIFIED = "1.13.27"


class OtherDagster(SettingsError):
    """An instance names Assay's event log, and Dagster is not the version that it overrides methods of."""

    hint = f"Delete `event_log_storage` from its dagster.yaml: Dagster's own reads the same files. Or install dagster=={VERIFIED}."


def require_verified(version: str = dg.__version__) -> None:
    """Raise OtherDagster for any version but the one that the event log was verified against."""
    if version != VERIFIED:
        raise OtherDagster(f"Tried to open Assay's event log; it was made for Dagster {VERIFIED}, and this is {version}.")
