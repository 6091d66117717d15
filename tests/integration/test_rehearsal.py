"""`assay contracts check` calls no contract good that could not be run: each is loaded and one made-up row goes through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_world import edit

from assay.cli.ending import run
from assay.cli.main import app
from flights.definitions import CONTRACTS
from nested import contract_of
from orders import write_contracts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Contracts of orders and of customers, whom they refer to."""
    folder = tmp_path / "contracts"
    write_contracts(folder)
    return folder


def checked(capfd: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, str]:
    code = run(app, ["contracts", "check", *map(str, paths)])
    out, err = capfd.readouterr()
    return code, out + err


def test_what_can_be_run_is_good(orders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, said = checked(capfd, orders)
    assert code == 0, said
    assert said.count(": good: ") == 2


@pytest.mark.parametrize("owner", ["o'brien@example.org", "ümlaut@example.org", "a@b.c"])
def test_an_owner_whom_dagster_refuses_is_no_fault_of_a_contract(orders: Path, owner: str, capfd: pytest.CaptureFixture[str]) -> None:
    """He is shown in the metadata of the assets instead."""
    edit(orders / "orders.odcs.yaml", "owner@example.org", f'"{owner}"')
    code, said = checked(capfd, orders)
    assert code == 0, said


@pytest.mark.parametrize(
    ("columns", "server"),
    [
        ("{name: city, logicalType: string, transformSourceObjects: ['customer.address.city']}", ""),
        ("{name: first, logicalType: integer, transformSourceObjects: ['lines[1].price']}", ""),
        ("{name: sku, logicalType: string, transformSourceObjects: ['lines.sku']}", "{property: explode, value: lines}"),
        ("{name: part, logicalType: string, transformSourceObjects: ['lines.parts.sku']}", "{property: explode, value: lines.parts}"),
        ("{name: id, logicalType: string}", "{property: explode, value: lines.parts}"),
    ],
    ids=["an object", "a place", "elements", "elements within an object", "elements without a path"],
)
def test_a_contract_of_nested_values_can_be_run(columns: str, server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    contract_of(tmp_path, columns, server=server)
    code, said = checked(capfd, tmp_path)
    assert (code, said.count(": good: ")) == (0, 1), said


def test_what_refers_to_a_dataset_that_cannot_be_run_is_no_good_contract(orders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edit(
        orders / "customers.odcs.yaml",
        "      - {property: eventTime",
        "      - {property: transform, value: nowhere.to:be_found}\n      - {property: eventTime",
    )
    code, said = checked(capfd, orders / "orders.odcs.yaml")
    assert code == 1, said
    assert "customers, which it refers to, cannot be run" in said


def test_a_transform_that_cannot_be_imported_is_no_good_contract(orders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edit(
        orders / "orders.odcs.yaml",
        "      - property: eventTime",
        "      - {property: transform, value: nowhere.to:be_found}\n      - property: eventTime",
    )
    code, said = checked(capfd, orders)
    assert code == 1, said
    assert "nowhere" in said


def test_a_version_that_is_none_and_a_folder_without_contracts_are_faults(
    orders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    edit(orders / "orders.odcs.yaml", "version: 1.0.0", "version: one")
    code, said = checked(capfd, orders)
    assert code == 1
    assert "'one' is no version of the form 1.2.3" in said
    (tmp_path / "empty").mkdir()
    code, said = checked(capfd, tmp_path / "empty")
    assert code == 1
    assert "there is none" in said


def test_the_product_s_contracts_are_good(capfd: pytest.CaptureFixture[str]) -> None:
    code, said = checked(capfd, CONTRACTS)
    assert code == 0, said
