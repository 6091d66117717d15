"""Reads a landing file whole and in small pieces: both ways must give the same rows, or say the same of what is at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from assay.errors import FileUnreadable
from assay.ingest.formats.readers import read_text, stream_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.landing_file import LandingFile

FEWEST, PIECES = 9, 40  # bytes at once: a piece may end anywhere; a large file is not read in a million of them


def read_both_ways(file: LandingFile, source: LandingSource) -> pa.Table:
    """Its rows. Raises what reading it whole raises."""
    size = max(FEWEST, file.path.stat().st_size // PIECES)
    whole, streamed = (
        _outcome(lambda: read_text(file, source)), _outcome(lambda: pa.concat_tables(stream_text(file, source, size))),
    )  # fmt: skip
    same = streamed == whole if isinstance(whole, str) else not isinstance(streamed, str) and streamed.equals(whole)
    assert same, f"whole: {whole}\nin pieces of {size} bytes: {streamed}"
    return read_text(file, source)


def _outcome(read: Callable[[], pa.Table]) -> pa.Table | str:
    try:
        return read()
    except FileUnreadable as error:
        return str(error)
