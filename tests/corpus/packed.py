"""Compressed files: cut, followed by something else, packed in another way than the name says, or bombs. For every format."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa

from corpus.sales import Case, csv_file, json_file, json_line
from corpus.typed_files import avro_file, parquet_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _with_arrow(codec: str) -> Callable[[bytes], bytes]:
    def pack(content: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(content)
        return bytes(sink.getvalue().to_pybytes())

    return pack


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": _with_arrow("zstd"), ".lz4": _with_arrow("lz4"),
}  # fmt: skip
KINDS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd", ".lz4": "lz4"}
ROWS = [{"number": 101}, {"number": 102}]
GOOD = {
    "csv": csv_file({"number": "101"}, {"number": "102"}), "jsonl": json_file(json_line(number='"101"'), json_line(number='"102"')),
    "parquet": parquet_file(*ROWS), "avro": avro_file(*ROWS),
}  # fmt: skip
TWO: dict[int, dict[str, object]] = {101: {}, 102: {}}
SMALL, BOMB = 1 << 20, 8 << 20


def of_each_format(ending: str, pack: Callable[[bytes], bytes]) -> Iterator[Case]:
    """What may happen to a packed file, whatever is in it."""
    kind = KINDS[ending]
    for format_, good in GOOD.items():
        packed = pack(good)
        no_format = {"parquet": "it is no Parquet file", "avro": "it is no Avro file"}.get(
            format_, f"line 1: its content is {kind}|not utf-8"
        )
        yield Case(f"whole{ending}", packed, format_, ending, published=TWO)
        for name, content, said in (
            ("cut", packed[: len(packed) * 2 // 3], "line [0-9]+: "),
            ("without-its-last-bytes", packed[:-2], "line [0-9]+: "),
            ("followed-by-something", packed + b"something else", "line [0-9]+: "),
            ("empty", b"", f"line 1: its name says {kind}, its content is not"),
            ("not-packed", good, f"line 1: its name says {kind}, its content is"),
            ("packed-twice", pack(packed), no_format),
        ):
            yield Case(f"{name}{ending}", content, format_, ending, refused=said)
        yield Case(f"packed-without-a-name{ending}", packed, format_, refused=no_format)


def parts_and_bombs(ending: str, pack: Callable[[bytes], bytes]) -> Iterator[Case]:
    """Packed files that follow each other, and small ones that unpack to much."""
    good = GOOD["csv"]
    half = len(good) // 2
    yield Case(f"in-two-parts{ending}", pack(good[:half]) + pack(good[half:]), "csv", ending, published=TWO)
    yield Case(f"in-two-parts-the-second-cut{ending}", pack(good) + pack(good)[:-4], "csv", ending, refused="line [0-9]+: ")
    for format_, unit in {"csv": b"x" * 1023 + b"\n", "jsonl": b" " * 1024, "parquet": bytes(1024), "avro": bytes(1024)}.items():
        packed = pack(GOOD[format_] + unit * (BOMB // len(unit)))
        assert len(packed) < SMALL
        said = f"unpacks from {len(packed):,} to more than 1,048,576 bytes"
        yield Case(f"bomb{ending}", packed, format_, ending, refused=said, most=SMALL)


def other_packings() -> Iterator[Case]:
    """Archives, wrong names, and damage that only one way of packing has."""
    good = GOOD["csv"]
    for other, pack in (("bz2", bz2.compress), ("zstd", _with_arrow("zstd"))):
        yield Case(f"{other}-named-gz", pack(good), "csv", ".gz", refused=f"its name says gzip, its content is {other}")
    damaged = bytearray(gzip.compress(good))
    damaged[-6] ^= 1
    yield Case("checksum-of-gzip", bytes(damaged), "csv", ".gz", refused="line [0-9]+: .*incorrect data check")
    yield Case("zip-archive", _zipped(good), "csv", refused="its content is zip")
    yield Case("zip-archive-named-so", _zipped(good), "csv", ".zip", refused="its content is zip")
    yield Case("zip-bomb", _zipped(bytes(BOMB)), "csv", refused="its content is zip")
    yield Case("ending-in-capitals", gzip.compress(good), "csv", ".GZ", published=TWO)
    yield Case("gzip-of-nothing", gzip.compress(b""), "csv", ".gz", refused="line 1: the file has no header that ends")
    yield Case("larger-than-allowed-without-packing", good + b"\n" * SMALL, "csv", refused="and 1,048,576 are the most", most=SMALL)
    yield Case("bomb-of-bombs", gzip.compress(gzip.compress(b"\n" * BOMB)), "csv", ".gz", refused="line 1: its content is gzip")


def _zipped(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orders.csv", content)
    return sink.getvalue()


def cases() -> Iterator[Case]:
    for ending, pack in PACKERS.items():
        yield from of_each_format(ending, pack)
        yield from parts_and_bombs(ending, pack)
    yield from other_packings()


CASES = list(cases())
