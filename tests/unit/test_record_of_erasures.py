"""The record of erasures: each has a number that nobody else has or had."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable

from assay.lake.checking import damage_of
from assay.lake.erasures import NAME, begin, erasures
from assay.lake.mending import mend
from assay.lake.snapshots import open_snapshot


def test_two_erasures_that_begin_at_once_have_two_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = begin(tmp_path, "customer", "one", "tester")
    with monkeypatch.context() as patch:
        stale = iter([[], erasures(tmp_path)])
        patch.setattr("assay.lake.erasures.erasures", lambda _: next(stale))
        second = begin(tmp_path, "customer", "two", "tester")
    assert (
        [(one.number, one.token) for one in erasures(tmp_path)]
        == [(first.number, "one"), (second.number, "two")]
        == [(1, "one"), (2, "two")]
    )


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", ["damaged and mended", "deleted by another tool"])
def test_who_is_erased_after_a_record_was_lost_gets_a_number_that_nobody_had(tmp_path: Path, how: str) -> None:
    """The log goes on to know the number of a record that is gone: whoever took it again would be taken for late, for ever."""
    for token in ("one", "two"):
        begin(tmp_path, "customer", token, "tester")
    if how == "deleted by another tool":
        DeltaTable(str(tmp_path / NAME)).delete("erasure = 2")
    else:
        Path(open_snapshot(tmp_path, NAME).files[-1].path).unlink()
        mend(tmp_path, NAME, damage_of(tmp_path, NAME), let_go=True)
    assert [one.number for one in erasures(tmp_path)] == [1]
    assert begin(tmp_path, "customer", "two", "tester").number == 3
    assert [(one.number, one.token) for one in erasures(tmp_path)] == [(1, "one"), (3, "two")]
