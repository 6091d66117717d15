"""Tokens read at once are those that Delta's own reader gives one by one, whatever the log is made of."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import TableDamaged
from assay.lake.tokens import tokens_at

if TYPE_CHECKING:
    from pathlib import Path

APPS = ["assay:2013-01-01", "assay:it's", "other", 'quote"d']


def commit(path: Path, tokens: dict[str, int]) -> None:
    properties = CommitProperties(app_transactions=[Transaction(app, version) for app, version in tokens.items()])
    write_deltalake(str(path), pa.table({"x": [1]}), mode="append", commit_properties=properties)


def one_by_one(path: Path, version: int) -> dict[str, int | None]:
    table = DeltaTable(str(path), version=version)
    return {app: table.transaction_version(app) for app in APPS}


@settings(max_examples=15, deadline=None)
@given(
    commits=st.lists(st.dictionaries(st.sampled_from(APPS), st.integers(0, 2**62), max_size=3), min_size=1, max_size=6),
    checkpoint_after=st.integers(0, 5),
)
def test_every_version_gives_the_tokens_that_delta_gives(
    tmp_path_factory: pytest.TempPathFactory, commits: list[dict[str, int]], checkpoint_after: int
) -> None:
    path = tmp_path_factory.mktemp("table")
    for number, tokens in enumerate(commits):
        commit(path, tokens)
        tokens_at(path / "_delta_log", number)  # what is remembered of it grows, and must not be older than a checkpoint
        if number == checkpoint_after:
            DeltaTable(str(path)).create_checkpoint()
    for version in (*range(len(commits)), *reversed(range(len(commits)))):
        found = tokens_at(path / "_delta_log", version)
        assert {app: found.get(app) for app in APPS} == one_by_one(path, version)


def test_a_cleaned_log_is_read_from_its_checkpoint(tmp_path: Path) -> None:
    for version in range(3):
        commit(tmp_path, {"other": version})
    DeltaTable(str(tmp_path)).create_checkpoint()
    for version in range(2):
        (tmp_path / "_delta_log" / f"{version:020d}.json").unlink()
    commit(tmp_path, {"assay:it's": 7})
    assert tokens_at(tmp_path / "_delta_log", 3) == {"other": 2, "assay:it's": 7}


def test_a_missing_commit_is_an_error_and_never_no_token(tmp_path: Path) -> None:
    for version in range(3):
        commit(tmp_path, {"other": version})
    (tmp_path / "_delta_log" / f"{1:020d}.json").unlink()
    with pytest.raises(TableDamaged, match=r"00000000000000000001\.json is missing"):
        tokens_at(tmp_path / "_delta_log", 2)


def test_an_entry_that_was_replaced_in_place_is_read_again(tmp_path: Path) -> None:
    for version in range(3):
        commit(tmp_path, {"other": version})
    log = tmp_path / "_delta_log"
    before = tokens_at(log, 2)
    entry = log / f"{2:020d}.json"
    entry.write_text(entry.read_text().replace('"appId":"other","version":2', '"appId":"other","version":9'))

    assert tokens_at(log, 2) == {"other": 9}
    assert before == {"other": 2}


def test_a_table_that_was_made_anew_at_the_same_place_has_the_tokens_of_its_own(tmp_path: Path) -> None:
    for tokens in ({"other": 1}, {"other": 2}):
        commit(tmp_path, tokens)
    tokens_at(tmp_path / "_delta_log", 1)
    shutil.rmtree(tmp_path)
    for tokens in ({"assay:it's": 3}, {}):
        commit(tmp_path, tokens)

    assert tokens_at(tmp_path / "_delta_log", 1) == {"assay:it's": 3}
