"""Masking is read but not applied yet: a dataset whose contract asks for it is not published at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assay.errors import ContractInvalid
from assay.orchestration.build import assemble
from assay.settings import load_settings
from orders import ORDERS, write_contracts

if TYPE_CHECKING:
    from pathlib import Path

NOTE = "{minLength: 2, maxLength: 5}"


def test_a_contract_that_asks_for_masking_gives_no_assets(tmp_path: Path) -> None:
    assert NOTE in ORDERS
    masked = ORDERS.replace(NOTE, NOTE + ", customProperties: [{property: masking, value: {method: nullify}}]", 1)
    contracts = write_contracts(tmp_path, masked)
    with pytest.raises(ContractInvalid, match="masking of 'note' is not applied yet"):
        assemble(load_settings(), contracts)
