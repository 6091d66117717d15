"""People who were erased and whose files land again, or still: their rows are left out, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.model.contract import SOURCE_FILE
from assay.lake.erasures import erasures
from assay.lake.fence import fence_now
from assay.masking.keyring import read_ring
from assay.masking.subjects import erasure_token, rows_of, subjects_of
from assay.masking.tokens import MASKED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    import pyarrow as pa

    from assay.contracts.model.contract import Contract
    from assay.masking.keyring import Key
    from assay.steps import Run


@dataclass(frozen=True, slots=True)
class Erased:
    """The erased people whom a dataset names: the tokens by kind, and by the key of each. `fence` was noted before they were read."""

    contract: Contract
    fence: int
    tokens: Mapping[str, tuple[tuple[Key, frozenset[str]], ...]]

    @classmethod
    def pin(cls, run: Run, contract: Contract) -> Erased:
        """Read the fence first and the list then: what the list lacks, the fence lacks. Raises MaskingKeyMissing for a key of the list."""
        fence, kinds = fence_now(run.lake), subjects_of(contract)
        found: dict[str, dict[str, set[str]]] = {}
        for one in erasures(run.lake) if kinds else ():
            if one.subject in kinds and (match := MASKED.fullmatch(one.token)):
                found.setdefault(one.subject, {}).setdefault(match.group(2), set()).add(one.token)
        ring = read_ring(run.keys) if found else None
        return cls(
            contract, fence,
            {kind: tuple((ring.key(id_), frozenset(all_)) for id_, all_ in by_key.items()) for kind, by_key in found.items() if ring},
        )  # fmt: skip

    def split(self, rows: pa.Table) -> tuple[pa.Table, dict[str, int]]:
        """The rows of bronze without those of erased people, and how many these were by landing file."""
        import polars as pl

        if not self.tokens:
            return rows, {}
        frame = pl.DataFrame(rows)
        for kind, keys in self.tokens.items():
            for key, tokens in keys:

                def is_meant(texts: pl.Series, kind: str = kind, key: Key = key, tokens: frozenset[str] = tokens) -> pl.Series:
                    return pl.Series([erasure_token(key, kind, text) in tokens for text in texts], dtype=pl.Boolean)

                frame = frame.with_columns(rows_of(frame, self.contract, kind, is_meant).alias(f"_{kind}_{key.id}"))
        marks = [name for name in frame.columns if name in {f"_{kind}_{key.id}" for kind, keys in self.tokens.items() for key, _ in keys}]
        meant = frame.select(pl.any_horizontal(marks)).to_series()
        gone, left = frame.filter(meant), rows.filter((~meant).to_arrow())
        return left, dict(gone[SOURCE_FILE].value_counts().iter_rows())
