"""The names of landing files: the moment that they say, and which of two files is the later one."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from assay.contracts.language.file_names import arrival_names
from assay.errors import ContractInvalid
from assay.ingest.landing import landed
from orders import orders_contract

if TYPE_CHECKING:
    from pathlib import Path

DAILY = arrival_names("sales/sales_{arrival:yyyy-M-d}*.csv")


def test_files_are_in_the_order_of_their_dates_then_of_the_numbers_in_their_names() -> None:
    ordered = [
        "sales/sales_2024-1-9.csv", "sales/sales_2024-1-9_part2.csv", "sales/sales_2024-1-9_part10.csv", "sales/sales_2024-1-10.csv",
        "sales/sales_2024-10-1.csv",
    ]  # fmt: skip
    shuffled = random.Random(9).sample(ordered, len(ordered))
    assert sorted(shuffled, key=DAILY.order) == ordered


def test_the_time_in_a_name_counts_as_well() -> None:
    hourly = arrival_names("{arrival:yyyy-MM-dd'T'H}/sales_*.csv")
    names = ["2024-01-01T10/sales_1.csv", "2024-01-01T9/sales_2.csv"]
    assert sorted(names, key=hourly.order) == names[::-1]
    assert hourly.moment(names[0]) == datetime(2024, 1, 1, 10)  # noqa: DTZ001  # moments in names have no zone


def test_two_names_of_one_number_have_one_order() -> None:
    names = ["sales/sales_2024-1-09.csv", "sales/sales_2024-1-9.csv"]
    assert max(names, key=DAILY.order) == max(reversed(names), key=DAILY.order)


@pytest.mark.parametrize("name", ["sales/sales_2024-13-1.csv", "sales/other_2024-1-1.csv", "sales/sales_2024-1-1.csv/x"])
def test_a_name_without_an_arrival_has_no_moment_and_comes_first(name: str) -> None:
    assert DAILY.moment(name) is None
    assert min(["sales/sales_2024-1-1.csv", name], key=DAILY.order) == name


def test_a_path_without_an_arrival_is_refused() -> None:
    with pytest.raises(ContractInvalid, match=r"has no \{arrival:FORMAT\}"):
        arrival_names("sales.csv")


def test_an_arrival_may_be_several_folders(tmp_path: Path) -> None:
    source = replace(orders_contract(tmp_path / "contracts").source, path="orders/{arrival:yyyy/MM/dd}/orders.csv")
    for name in ("2024/03/01/orders.csv", "2024/3/01/orders.csv", "2024/orders.csv", "2024/03/01/more/orders.csv"):
        (tmp_path / "landing/orders" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "landing/orders" / name).write_text("day\n")
    assert [file.name for file in landed(tmp_path / "landing", source)] == ["orders/2024/03/01/orders.csv"]
