"""Each content of a contract is validated against the standard once; whatever is wrong with what is remembered of that, it is validated again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assay.contracts.documents import known_good
from assay.orchestration.known_contracts import FILE, validated
from assay.orchestration.loadable import LeftOut, sound_contracts
from assay.settings import Settings
from orders import write_contracts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from assay.contracts.documents.document import Document


class Product:
    """A home, and contracts that a new process loads; `judged` says which files were validated for that."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(folder / "home", folder)
        self.settings.home.mkdir()
        self.contracts = write_contracts(folder / "contracts")
        self.judged: list[str] = []
        real = known_good.standard_faults

        def counted(document: Document) -> object:
            self.judged.append(document.path.name)
            return real(document)

        monkeypatch.setattr(known_good, "standard_faults", counted)

    @property
    def file(self) -> Path:
        return self.settings.cache / FILE

    @property
    def orders(self) -> Path:
        return self.contracts / "orders.odcs.yaml"

    def load(self) -> tuple[set[str], list[LeftOut]]:
        self.judged.clear()
        with validated(self.settings) as good:
            product, left = sound_contracts(self.contracts, good)
        return {*product.datasets}, left


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Product:
    """One that was loaded before."""
    product = Product(tmp_path, monkeypatch)
    assert product.load() == ({"customers", "orders"}, [])
    assert product.judged == ["customers.odcs.yaml", "orders.odcs.yaml"]
    return product


def test_what_was_validated_is_not_validated_again(product: Product) -> None:
    assert product.load() == ({"customers", "orders"}, [])
    assert product.judged == []


def test_a_contract_that_is_changed_is_validated_and_no_other(product: Product) -> None:
    product.orders.write_text(product.orders.read_text().replace("description: Orders.", "description: All orders."))
    assert product.load() == ({"customers", "orders"}, [])
    assert product.judged == ["orders.odcs.yaml"]
    product.load()
    assert product.judged == []


def test_a_contract_that_breaks_the_standard_is_never_known(product: Product) -> None:
    product.orders.write_text(product.orders.read_text().replace("status: active", "statuss: active"))
    for _ in range(3):
        datasets, (left,) = product.load()
        assert datasets == {"customers"}
        assert "knows no field 'statuss'" in left.why
        assert product.judged == ["orders.odcs.yaml"]


def test_what_keeps_the_standard_and_not_what_assay_needs_is_refused_each_time(product: Product) -> None:
    product.orders.write_text(
        product.orders.read_text().replace("grain: day, start: 2024-01-01, end: 2024-02-10", "grain: week, start: 2024-01-01")
    )
    for judged in (["orders.odcs.yaml"], [], []):
        datasets, (left,) = product.load()
        assert datasets == {"customers"}
        assert "unknown grain 'week'" in left.why
        assert product.judged == judged


@pytest.mark.parametrize("judge", ["schema_text", "version", "code_version"])
def test_with_another_schema_library_or_code_all_are_validated_again(product: Product, judge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_good, judge, lambda *_: "another")
    known_good._judged_by.cache_clear()
    try:
        product.load()
    finally:
        monkeypatch.undo()
        known_good._judged_by.cache_clear()
    assert len(product.judged) == 2


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def scribbled(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 10)


def of_letters_that_are_others(file: Path) -> None:
    file.write_text(file.read_text().translate(str.maketrans("0123456789abcdef", "123456789abcdef0")))


def gone(file: Path) -> None:
    file.unlink()


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [cut, emptied, scribbled, of_letters_that_are_others, gone, a_folder], ids=lambda one: one.__name__)
def test_what_is_remembered_wrongly_is_validated_again(product: Product, damage: Callable[[Path], None]) -> None:
    damage(product.file)
    assert product.load() == ({"customers", "orders"}, [])
    assert product.judged == ["customers.odcs.yaml", "orders.odcs.yaml"]


def test_loading_makes_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    product = Product(tmp_path, monkeypatch)
    product.settings.home.rmdir()
    assert product.load() == ({"customers", "orders"}, [])
    assert not product.settings.home.exists()


def test_what_is_remembered_tells_nothing_of_a_contract(product: Product) -> None:
    words = product.file.read_text().split()
    assert [len(word) for word in words] == [32, 32]
