"""What a backfill that found nothing has seen: dbt is not started early while all lies as it did, and is as soon as anything differs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from assay.cli.up_to_date import LAST_LOOK, is_as_remembered, look, remember
from assay.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", dbt_project=tmp_path / "dbt_project")
    for folder in (made.landing / "sales", made.lake / "silver/sales/_delta_log", made.dbt_project / "models", tmp_path / "contracts"):
        folder.mkdir(parents=True)
    for file in (made.dbt_project / "models/daily.sql", tmp_path / "contracts/sales.odcs.yaml"):
        file.write_text("before")
        os.utime(file, ns=(1, 1))
    return made


def lands(settings: Settings) -> None:
    (settings.landing / "sales/sales_2024-01-01.csv").write_text("a\n")


def lands_in_a_new_folder(settings: Settings) -> None:
    (settings.landing / "sales/2024").mkdir()


def is_committed(settings: Settings) -> None:
    (settings.lake / "silver/sales/_delta_log/00000000000000000001.json").write_text("{}")


def is_a_new_table(settings: Settings) -> None:
    (settings.lake / "gold/daily/_delta_log").mkdir(parents=True)


def is_a_changed_model(settings: Settings) -> None:
    (settings.dbt_project / "models/daily.sql").write_text("after")


def is_a_changed_contract(settings: Settings) -> None:
    (settings.home.parent / "contracts/sales.odcs.yaml").write_text("after")


@pytest.mark.parametrize(
    "change",
    [lands, lands_in_a_new_folder, is_committed, is_a_new_table, is_a_changed_model, is_a_changed_contract],
    ids=lambda one: one.__name__,
)
def test_what_a_plan_depends_on_is_seen(settings: Settings, change: Callable[[Settings], None]) -> None:
    contracts = settings.home.parent / "contracts"
    remember(settings, look(settings, contracts, "all"))
    assert is_as_remembered(settings, look(settings, contracts, "all"))

    change(settings)

    assert not is_as_remembered(settings, look(settings, contracts, "all"))


def test_another_range_is_another_look(settings: Settings) -> None:
    remember(settings, look(settings, settings.home, "2024-01-01 2024-01-31"))

    assert not is_as_remembered(settings, look(settings, settings.home, "None None"))


def test_what_dbt_makes_is_no_change(settings: Settings) -> None:
    before = look(settings, settings.home, "all")
    (settings.dbt_project / "target").mkdir()
    (settings.dbt_project / "target/manifest.json").write_text("{}")

    assert look(settings, settings.home, "all") == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"another"])
def test_whatever_lies_in_its_place_is_no_guess(settings: Settings, content: bytes) -> None:
    settings.cache.mkdir(parents=True)
    (settings.cache / LAST_LOOK).write_bytes(content)

    assert not is_as_remembered(settings, look(settings, settings.home, "all"))
