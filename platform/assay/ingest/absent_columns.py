"""Which optional landing columns an arrival lacks, told from its files without reading their rows.

A column that no file of an arrival has is no part of the arrival's fingerprint: so a contract can learn a column without making what landed
before it outdated. Whatever cannot be told counts as there: then a partition is built once more, never once too few.
"""

from __future__ import annotations

import codecs
import json
import lzma
from typing import TYPE_CHECKING

from assay.contracts.language.paths import roots_of
from assay.errors import FileUnreadable
from assay.ingest.bronze_contents import HeldFile
from assay.ingest.formats.content import BLOCK, PACKINGS, unpack
from assay.ingest.formats.csv_files import names_of
from assay.ingest.formats.csv_rows import Misread
from assay.ingest.formats.nested import of_the_file
from assay.ingest.formats.streamed_content import anywhere, pieces_of

if TYPE_CHECKING:
    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.landing_file import LandingFile
    from assay.ingest.reading import Batch

_known: dict[tuple[str, LandingSource], frozenset[str]] = {}  # by content: the same question is asked at each look at the landing folder


def absent_columns(batch: Batch, source: LandingSource) -> frozenset[str]:
    """The optional columns that none of the files of an arrival has."""
    absent = frozenset(may_lack(source))
    for file, digest, _ in batch.files if absent else ():
        absent &= absent_from(file, digest, source)
    return absent


def may_lack(source: LandingSource) -> list[str]:
    """The columns that a file may lack: the optional ones, and the paths that begin in one."""
    optional = of_the_file(source).optional
    return [*optional, *(path for path, root in roots_of(source.paths, source.file_columns).items() if root in optional)]


def absent_from(file: LandingFile | HeldFile, digest: str, source: LandingSource) -> frozenset[str]:
    """Those that a file lacks, whose content has the hash `digest`."""
    of_file = of_the_file(source)
    if not of_file.optional:
        return frozenset()
    if isinstance(file, HeldFile):
        return frozenset() if file.landed.columns is None else frozenset(may_lack(source)) - {*file.landed.columns}
    if (digest, of_file) not in _known:
        _known[digest, of_file] = _lacks(file, of_file)
    absent = _known[digest, of_file]
    return absent | {path for path, root in roots_of(source.paths, source.file_columns).items() if root in absent}


def _lacks(file: LandingFile, source: LandingSource) -> frozenset[str]:
    try:
        if source.format == "csv":
            found = set(_names(file, source))
            return frozenset(name for name in source.optional if name not in found)
        if source.format == "parquet":
            return _lacks_parquet(file, source)
        return _never_named(file, source)
    except (FileUnreadable, OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, Misread):
        return frozenset()


def _never_named(file: LandingFile, source: LandingSource) -> frozenset[str]:
    """The columns whose names stand nowhere in a file, each looked for across the pieces that are read."""
    if '"'.encode(source.encoding) != b'"':  # names may be spelled otherwise than is looked for
        return frozenset()
    wanted = {name: json.dumps(name, ensure_ascii=False).encode(source.encoding) for name in source.optional}
    longest, before = max(map(len, wanted.values())), b""
    for piece in pieces_of(file, source.most_bytes):
        text = before + piece
        if b"\\u" in text:
            return frozenset()
        wanted = {name: spelling for name, spelling in wanted.items() if spelling not in text}
        before = text[-longest:]
    return frozenset(wanted)


def _names(file: LandingFile, source: LandingSource) -> list[str]:
    packing = PACKINGS.get(file.path.suffix.lower())
    with file.path.open("rb") as opened:
        first = next(unpack(opened, packing, BLOCK), b"") if packing else opened.read(BLOCK)
    text = codecs.getincrementaldecoder(source.encoding)().decode(first)  # the last letter may be cut
    return names_of(text.removeprefix("\ufeff").encode(), source)[0]


def _lacks_parquet(file: LandingFile, source: LandingSource) -> frozenset[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with anywhere(file, source.most_bytes) as opened:
            names = pq.read_schema(pa.PythonFile(opened, mode="r")).names
    except (pa.ArrowException, OSError, ValueError):
        return frozenset()
    return frozenset(name for name in source.optional if name not in names)
