"""How files land, as the engine sees it: where they lie, how they are spelled, which columns they have, and which are taken from those."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.contracts.language.dialect import Dialect

MOST_BYTES = 1 << 30  # a landing file is held in memory as a whole, unpacked and as columns: about three times this


@dataclass(frozen=True, slots=True)
class LandingSource:
    """Where files land and how they are read. `path` is relative to the landing folder and holds one `{arrival:FORMAT}`.

    A file may lack the `optional` columns, and has `most_bytes` once unpacked. `column_descriptions` and `classifications` go by `columns`.
    Of a source that `is_sensitive` no name that its contract does not say is told: a value may stand where a name should.
    The last of the columns are `paths` into nested values of others. With `explode` each element of the array that it names is a row.
    """

    path: str
    format: str
    encoding: str
    columns: tuple[str, ...]
    null_values: tuple[str, ...]
    description: str = ""
    column_descriptions: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    classifications: tuple[str, ...] = ()
    most_bytes: int = MOST_BYTES
    dialect: Dialect = field(default_factory=Dialect)
    paths: tuple[str, ...] = ()
    explode: str | None = None
    is_sensitive: bool = False

    @property
    def file_columns(self) -> tuple[str, ...]:
        """The columns that the files have."""
        return tuple(name for name in self.columns if name not in self.paths)
