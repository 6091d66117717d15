"""The code location of the flights product: a few lines, because contracts and dbt models say the rest."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from assay.orchestration.build import build_definitions
from assay.settings import load_settings

CONTRACTS = Path(__file__).parent / "contracts"


@dg.definitions
def defs() -> dg.Definitions:
    """Everything that Dagster loads."""
    settings = load_settings()
    return build_definitions(settings, settings.contracts or CONTRACTS)
