"""What a backfill imports, in its own process and in dbt's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from people_world import People

from command_line import assay_process

if TYPE_CHECKING:
    from pathlib import Path

IMPORTED = re.compile(r"^import time:.*\| +(\S+)$", re.MULTILINE)


@pytest.mark.slow
def test_a_backfill_does_not_import_pandas(tmp_path: Path) -> None:
    """It takes half a second of CPU and 60 MB; Arrow imports it for some functions that look harmless."""
    people = People.make(tmp_path)
    people.members([{"email": "ada@example.org"}])
    people.payments("2024-01-01", [{"payer": "ada@example.org"}, {"payer": "ada@example.org", "amount": "-5"}])
    done = assay_process("backfill", environment=people.environment | {"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode == 0, done.stdout
    assert people.rows("gold/paid_by_town").height
    imported = IMPORTED.findall(done.stderr)
    assert {"pandera.polars", "dbt.cli.main"} <= {*imported}, "both processes are seen"
    assert "pandas.core.api" not in imported, "a mere look for it is none"
