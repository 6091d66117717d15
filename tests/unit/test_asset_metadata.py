"""What Dagster's catalogue shows of a contract: tags to find assets by, who may read a column, service levels and the dataset's life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from evolving import ORDERS, of_contract

from assay.contracts.reading.odcs import load_contracts
from assay.orchestration.build import previews_accepted
from assay.orchestration.lake_assets import bronze_asset, landing_spec, silver_asset
from assay.orchestration.metadata import contract_tags
from assay.settings import Settings
from sales import write_sales

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def specs(tmp_path: Path) -> dict[str, dg.AssetSpec]:
    """The assets of the contract that uses everything, by layer."""
    folder = write_sales(tmp_path).parent
    contracts, settings = load_contracts(folder), Settings(tmp_path / "home", tmp_path / "dbt")
    sales = contracts["sales"]
    with previews_accepted():
        made = [make(settings, contracts, sales, folder) for make in (bronze_asset, silver_asset)]
    return {spec.key.path[0]: spec for spec in [landing_spec(settings, sales, folder), *(spec for asset in made for spec in asset.specs)]}


def column_tags(spec: dg.AssetSpec) -> dict[str, Any]:
    return {column.name: dict(column.tags) for column in spec.metadata["dagster/column_schema"].columns}


@pytest.mark.parametrize("layer", ["landing", "bronze", "silver"])
def test_every_asset_is_found_by_contract_version_domain_and_team(specs: dict[str, dg.AssetSpec], layer: str) -> None:
    tags = {name: value for name, value in specs[layer].tags.items() if not name.startswith("dagster/")}
    assert tags == {"contract": "sales", "contract_version": "2.1.0", "status": "active", "domain": "retail", "team": "retail-data"}
    assert list(specs[layer].owners) == ["owner@example.org"]


def test_published_columns_say_who_may_read_them_and_what_will_become_of_them(specs: dict[str, dg.AssetSpec]) -> None:
    tags = column_tags(specs["silver"])
    assert tags["customer"] == {"classification": "personal", "masking": "tokenize", "subject": "customer"}
    assert tags["note"] == {"classification": "internal", "masking": "nullify", "deprecated": "since-2.0.0"}
    assert tags["price"] == {"classification": "public"}
    note = next(column for column in specs["silver"].metadata["dagster/column_schema"].columns if column.name == "note")
    assert "stays until 2030-01-01. Use code instead." in str(note.description)


@pytest.mark.parametrize("layer", ["landing", "bronze"])
def test_a_landed_column_is_as_sensitive_as_what_is_published_of_it(specs: dict[str, dg.AssetSpec], layer: str) -> None:
    tags = column_tags(specs[layer])
    assert tags["iban"] == {"classification": "restricted"}
    assert tags["badge"] == {"classification": "personal"}
    assert tags["last_name"] == {"classification": "personal"}, "read by an expression"
    assert tags["day"] == {"classification": "public"}
    assert tags["price"] == {"classification": "public"}


@pytest.mark.parametrize("layer", ["bronze", "silver"])
def test_service_levels_and_the_end_of_a_dataset_are_shown(specs: dict[str, dg.AssetSpec], layer: str) -> None:
    shown = specs[layer].metadata
    assert shown["freshness"] == "the newest data are at most 36 hours old"
    assert shown["retention"] == "732 days"
    assert (shown["generally available"], shown["end of support"], shown["end of life"]) == ("2024-01-01", "2032-05-12", "2033-01-01")
    assert "deprecated" not in shown


def test_a_text_that_no_tag_can_hold_is_spelled_so_that_it_can() -> None:
    tags = contract_tags(of_contract(domain="Retail & more", version="1.0.0+build/7")(ORDERS))
    assert (tags["domain"], tags["contract_version"]) == ("Retail___more", "1.0.0_build_7")
    dg.AssetSpec("x", tags=contract_tags(of_contract(domain="long " * 40)(ORDERS)))
