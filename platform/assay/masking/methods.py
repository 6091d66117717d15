"""The methods of masking, applied to the typed columns of a frame: pure, deterministic, and the same whichever partitions a frame holds.

Rules have judged the raw values by then. A masked value is never the value itself, but for a number or a date that is as coarse already.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from assay.cached_property import cached_property
from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.model.contract import Masking, MaskingMethod
from assay.contracts.model.sensitivity import is_keyed
from assay.masking.keyring import KeyRing, MaskingKeyMissing, current_id, read_ring
from assay.masking.tokens import TOKEN, domain_of, each_once, encrypter, tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import polars as pl
    import pyarrow as pa

    from assay.contracts.model.contract import Column, Contract
    from assay.masking.keyring import Key
    from assay.settings import SecretReference

EVERY = {"year": "1y", "month": "1mo", "day": "1d"}
MOST_DIGITS = 38


@dataclass(frozen=True)
class Masks:
    """What a step masks with, and the contracts of the tables that its rules look into.

    The keys are read when the first value needs one, so that what needs none runs without.
    """

    reference: SecretReference | None = None
    contracts: Mapping[str, Contract] = field(default_factory=dict)

    @cached_property
    def ring(self) -> KeyRing:
        """The keys. Raises MaskingKeyMissing."""
        return read_ring(self.reference)

    def meaning(self, contract: Contract) -> tuple[str, ...]:
        """What of the keys decides the published rows of a contract: the id of the current one, where one is used."""
        return (current_id(self.reference),) if any(is_keyed(column.masking) for column in contract.columns) else ()

    def apply(self, frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
        """A frame of published columns with the masked ones masked. Raises MaskingKeyMissing."""
        for column in contract.columns:
            if column.masking is not None:
                frame = frame.with_columns(self._masked(frame, contract.dataset, column, column.masking))
        return frame

    def _masked(self, frame: pl.DataFrame, dataset: str, column: Column, masking: Masking) -> pl.Series | pl.Expr:
        if is_keyed(masking):
            return each_once(frame[column.name], masker(self.ring.current, domain_of(dataset, column), masking))
        return without_key(column, masking)

    def columns(self, dataset: str, names: Iterable[str]) -> dict[str, Column]:
        """Some published columns of a dataset, as its contract says them now."""
        found = {column.name: column for column in self.contracts[dataset].columns} if dataset in self.contracts else {}
        return {name: found[name] for name in names if name in found}

    def how_masked(self, dataset: str, names: Iterable[str]) -> tuple[object, ...]:
        """How those of some columns of a dataset are masked that hold tokens or ciphertexts."""
        keyed = [column for column in self.columns(dataset, names).values() if is_keyed(column.masking)]
        return tuple((column.name, column.masking and column.masking.method, domain_of(dataset, column)) for column in keyed)

    def knows(self, key: str) -> bool:
        """Whether the key of an id is there."""
        try:
            self.ring.key(key)
        except MaskingKeyMissing:
            return False
        return True

    def domains(self, dataset: str, column: Column) -> list[str]:
        """As what the values of a column may be masked in its table: as its contract says now, then as any kind of person that is known."""
        columns = [column for contract in self.contracts.values() for column in contract.columns]
        subjects = sorted({domain_of(dataset, one) for one in columns if one.subject})
        return list(dict.fromkeys([domain_of(dataset, column), domain_of(dataset, replace(column, subject=None)), *subjects]))

    def as_in(self, values: pl.Series, head: tuple[str, str], domain: str) -> pl.Series:
        """How raw values look in a domain where they begin with a head (`heads_of`). Raises MaskingKeyMissing."""
        kind, key = head
        method = MaskingMethod.TOKENIZE if kind == TOKEN else MaskingMethod.ENCRYPT
        return each_once(values, masker(self.ring.key(key), domain, Masking(method)))


def masker(key: Key, domain: str, masking: Masking) -> Callable[[str], str]:
    """The function of a keyed method."""
    return (tokenizer if masking.method is MaskingMethod.TOKENIZE else encrypter)(key, domain)


def without_key(column: Column, masking: Masking) -> pl.Expr:
    """The expression of a method that needs no key."""
    import polars as pl

    value = pl.col(column.name)
    match masking.method:
        case MaskingMethod.TRUNCATE:
            # never the whole value: of one that is no longer than what is kept the last character goes as well
            return value.str.head(pl.min_horizontal(pl.lit(masking.keep), (value.str.len_chars().cast(pl.Int64) - 1).clip(0)))
        case MaskingMethod.GENERALIZE if isinstance(masking.to, str):
            return value.dt.truncate(EVERY[masking.to])
        case MaskingMethod.GENERALIZE:
            return _floor(column, float(masking.to or 1))
        case _:
            return pl.lit(None, pl.Schema(_schema(column))[column.name]).alias(column.name)


def _schema(column: Column) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(column.name, arrow_type(column))])


def _floor(column: Column, width: float) -> pl.Expr:
    """The lower bound of the span of a width in which a number lies; the lowest number of the type where that bound is below it."""
    import polars as pl

    value, kind = pl.col(column.name), pl.Schema(_schema(column))[column.name]
    if kind.is_integer():
        wide = value.cast(pl.Int128)
        lowest = pl.select(pl.lit(0, kind).lower_bound()).item()
        return (wide // int(width) * int(width)).clip(lowest).cast(kind)
    if kind.is_float():
        most = 3.4028234663852886e38 if kind == pl.Float32 else 1.7976931348623157e308
        spans = value.cast(pl.Float64) / width
        # a width that is lost among the digits of so large a number changes nothing
        return pl.when(spans.is_finite()).then(spans.floor() * width).otherwise(value).clip(-most, most).cast(kind)
    return value.map_batches(lambda one: _decimal_floor(one, width), return_dtype=kind)


def _decimal_floor(values: pl.Series, width: float) -> pl.Series:
    """Python's decimals: Polars' own arithmetic would overflow where the digits are many."""
    from decimal import Decimal, localcontext

    import polars as pl

    kind = values.dtype
    assert isinstance(kind, pl.Decimal)  # noqa: S101  # the caller looked
    with localcontext(prec=2 * MOST_DIGITS):
        step = Decimal(str(width))
        digit, lowest = Decimal(1).scaleb(-kind.scale), -(Decimal(10) ** kind.precision - 1).scaleb(-kind.scale)
        floors = (None if one is None else max((one / step).to_integral_value("ROUND_FLOOR") * step, lowest) for one in values)
        texts = [None if one is None else f"{one.quantize(digit, 'ROUND_FLOOR'):f}" for one in floors]
    return pl.Series(values.name, texts, pl.String).cast(kind)  # of as many digits as there can be Polars takes no decimals
