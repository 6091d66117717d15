"""Bad inputs through the real path, from the landing folder to the published table: refused by name, or every row accounted for exactly.

Nothing may crash or hang, no value may change on the way, no row may be lost. The files are made in `tests/corpus`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from sales_till import Till, time_limit

from corpus import avro_faults, csv_faults, json_faults, packed, parquet_faults, values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from corpus.sales import Case

CASES = [case for module in (values, csv_faults, json_faults, parquet_faults, avro_faults, packed) for case in module.CASES]
LONGEST_SECONDS = 20


@pytest.fixture(scope="module")
def till_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Till]:
    """The till for a format and for files of at most so many bytes, opened once."""
    return cache(lambda format_, most: Till.open(tmp_path_factory.mktemp(format_) / "home", format_, most))


@pytest.fixture(autouse=True)
def limited() -> Iterator[None]:
    with time_limit(LONGEST_SECONDS):
        yield


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_bad_input_is_refused_by_name_or_every_row_is_accounted_for(
    till_of: Callable[[str, int], Till], tmp_path: Path, case: Case
) -> None:
    till_of(case.format, case.most).copy_to(tmp_path / "home").judge(case)


def test_each_case_has_a_name_of_its_own() -> None:
    assert len({str(case) for case in CASES}) == len(CASES)
