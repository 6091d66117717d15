"""Faults: where and why a landing file cannot be read.

What any format may have wrong with it; `csv_faults` knows those of text files.
No value is quoted in a message, because messages end in logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.contracts.model.landing_source import LandingSource

SHOWN, LONGEST_NAME, LONGEST_FAULT = 5, 60, 300


def undecodable(error: UnicodeDecodeError, lines: int = 0) -> str:
    """The line on which the first byte stands that the encoding does not have. So many `lines` stand before what was decoded."""
    return f"line {lines + error.object[: error.start].count(10) + 1}: not {error.encoding}: {error.reason}"


def columns_fault(found: Sequence[str], source: LandingSource) -> str | None:
    """How the columns of a file differ from the contract's landing columns, in any order; None if they do not.

    Where none is as it should be, a first row may stand where the names should: what stands there is not said then.
    """
    there, known = set(found), set(source.columns)
    if not there & known:
        return "has none of the contract's columns"
    missing = [name for name in source.columns if name not in there and name not in source.optional]
    said = [f"has no column {named(missing)}"] if missing else []
    said += [f"has {'' if source.is_sensitive else 'the '}{unknown}"] if (unknown := unknown_columns(found, source)) else []
    said += ["names a column twice"] if not said and len(there) < len(found) else []
    return " and ".join(said) or None


def unknown_columns(found: Sequence[str], source: LandingSource) -> str | None:
    """The columns that a contract does not say: by name, or by place where a person's value may stand for a name; None if there is none."""
    known = set(source.columns)
    unknown = {place: name for place, name in enumerate(found, 1) if name not in known}
    if not unknown:
        return None
    if not source.is_sensitive:
        return f"unknown column {named([*unknown.values()])}"
    columns, places = "column" if len(unknown) == 1 else "columns", named([str(place) for place in unknown])
    return f"{len(unknown):,} unknown {columns} (number {places} of {len(found):,}), not named because the contract has sensitive ones"


def named(names: Sequence[str]) -> str:
    """Some names for a message: not all of ten thousand, none that fills a page or breaks the line."""
    shown = [
        ascii(name)[1:-1] if not name.isprintable() else name or "(without a name)"
        for name in (one[:LONGEST_NAME] for one in names[:SHOWN])
    ]
    return ", ".join(shown) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def words_of(error: BaseException, source: LandingSource) -> str:
    """What a library says of a fault, or only which fault it is where its words may quote a person's value."""
    return f"{type(error).__name__}, not told because the contract has sensitive columns" if source.is_sensitive else one_line(error)


def one_line(error: BaseException) -> str:
    """What a library says of a fault, as part of a sentence of ours."""
    return " ".join(str(error).split())[:LONGEST_FAULT].rstrip(".") or type(error).__name__
