"""CSV files that are wrong, or unusual, as files: encodings, headers, quotes, lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.sales import COLUMNS, TEXT, Case, csv_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEADER = ",".join(COLUMNS).encode()
GOOD = csv_file({"number": "101"}, {"number": "102"})
ROW = ",".join({**TEXT, "number": "101"}.values()).encode()
LONG = "x" * (10 << 20)
MANY_LINES = "a line\n" * (10 << 20 >> 3)
TWO: dict[int, dict[str, str]] = {101: {}, 102: {}}


def with_note(note: bytes) -> bytes:
    """The good file, a third row, and a fourth whose last value are these bytes."""
    return GOOD + ROW.replace(b"101", b"103") + b"\n" + ROW.replace(b"101", b"104").removesuffix(b"hello") + note + b"\n"


def encodings() -> Iterator[Case]:
    yield from _refused({
        "UTF-16-with-mark": (GOOD.decode().encode("utf-16"), "line 1: not utf-8"),
        "UTF-16-without-mark": (GOOD.decode().encode("utf-16-le"), "line 1: the header has none of the contract's columns"),
        "UTF-32": (GOOD.decode().encode("utf-32"), "line 1: not utf-8"),
        "Latin-1": (with_note("Zürich".encode("latin-1")), "line 5: not utf-8"),
        "invalid-byte-in-the-middle": (GOOD.replace(b"102", b"10\xff2"), "line 3: not utf-8: invalid start byte"),
        "invalid-byte-in-the-header": (b"\xff" + GOOD, "line 1: not utf-8"),
        "overlong-slash": (with_note(b"\xc0\xaf"), "line 5: not utf-8"),
        "surrogates-as-three-bytes": (with_note(b"\xed\xa0\x80"), "line 5: not utf-8"),
        "beyond-Unicode": (with_note(b"\xf5\x80\x80\x80"), "line 5: not utf-8"),
        "letter-cut-at-the-end": (GOOD.removesuffix(b"\n") + b"\xe2\x82", "line 3: not utf-8: unexpected end"),
    })  # fmt: skip
    yield Case("byte-order-mark", b"\xef\xbb\xbf" + GOOD, published=TWO)
    yield Case("mark-in-the-middle", with_note("\ufeff".encode()), published=TWO | {103: {}, 104: {"note": "\ufeff"}})
    yield Case("NUL-in-a-value", with_note(b"a\x00b"), published=TWO | {103: {}, 104: {"note": "a\x00b"}})


def headers() -> Iterator[Case]:
    yield from _refused({
        "a-column-named-twice": (GOOD.replace(b"gift,note", b"note,note", 1), "line 1: the header has no column gift"),
        "one-column-more-named-twice": (GOOD.replace(HEADER, HEADER + b",note").replace(b"hello", b"hello,x"), "the header names a column twice"),
        "no-header": (GOOD.removeprefix(HEADER + b"\n"), "line 1: the header has none of the contract's columns"),
        "only-half-a-header": (HEADER[:20], "line 1: the file has no header that ends"),
        "an-extra-column": (GOOD.replace(b"note\n", b"note,secret\n").replace(b"hello", b"hello,1"), "line 1: the header has the unknown column secret"),
        "a-missing-column": (csv_file({}, columns=COLUMNS[:-1]), "line 1: the header has no column note"),
        "names-in-capitals": (GOOD.replace(HEADER, HEADER.upper()), "the header has none of the contract's columns"),
        "spaces-in-the-header": (GOOD.replace(HEADER, HEADER.replace(b",", b", ")), "the header has no column number, quantity"),
        "confusable-letter-in-the-header": (GOOD.replace(b"price", "\u0440rice".encode()), "no column price and has the unknown column \u0440rice"),
        "invisible-letter-in-the-header": (GOOD.replace(b"price", "pri\u200bce".encode()), r"the unknown column pri\\u200bce"),
        "ten-thousand-columns": (b",".join(b"c%d" % n for n in range(10_000)) + b"\n", "none of the contract's columns"),
        "ten-thousand-more-columns": (HEADER + b"".join(b",c%d" % n for n in range(10_000)) + b"\n", "unknown column c0, c1, c2, c3, c4 and 9,995 more"),
        "a-title-above": (b"Sales of January\n" + GOOD, "line 1: the header has none of the contract's columns"),
        "a-line-for-Excel": (b"sep=,\n" + GOOD, "line 1: the header has none of the contract's columns"),
    })  # fmt: skip
    yield Case("header-only", HEADER + b"\n")
    yield Case("columns-in-another-order", csv_file({"number": "101"}, {"number": "102"}, columns=COLUMNS[::-1]), published=TWO)
    yield Case("header-in-quotes", GOOD.replace(HEADER, b'"' + HEADER.replace(b",", b'","') + b'"'), published=TWO)
    twice = GOOD + GOOD.replace(b"101", b"103").replace(b"102", b"104")
    yield Case("the-header-twice", twice, published=TWO | {103: {}, 104: {}}, set_aside=1, held={"number": ["number"]})


def ragged_rows() -> Iterator[Case]:
    yield from _refused({
        "too-few-values": (GOOD + b"2024-01-02,103\n", "line 4: expected 9 values, found 2"),
        "too-many-values": (GOOD + ROW + b",more\n", "line 4: expected 9 values, found 10"),
        "a-comma-at-the-end-of-some-rows": (GOOD + ROW + b",\n", "line 4: expected 9 values, found 10"),
        "thousands-separator-unquoted": (GOOD + ROW.replace(b"1.50", b"1,000.50") + b"\n", "line 4: expected 9 values, found 10"),
        "lone-CR-in-a-value": (with_note(b"return\rhere"), "line 6: expected 9 values, found 1"),
        "end-of-file-letter": (GOOD + b"\x1a\n", "line 4: expected 9 values, found 1"),
        "comment-line": (GOOD + b"# the end\n", "line 4: expected 9 values, found 1"),
        "cut-in-a-row": (GOOD[:-20], "line 3: expected 9 values, found 7"),
    })  # fmt: skip


def quotes() -> Iterator[Case]:
    yield from _refused({
        "cut-in-quotes": (with_note(b'"he'), "line 5: a quote that does not open or close"),
        "a-quote-inside-a-value": (with_note(b'5" pipe'), "line 5: a quote that does not open or close"),
        "text-behind-a-quote": (with_note(b'"he"llo'), "line 5: a quote that does not open or close"),
        "two-stray-quotes-that-swallow-rows": (with_note(b'"a') + ROW.replace(b"hello", b'b"c') + b"\n", "line 5: a quote that does not open"),
        "backslash-before-a-quote": (with_note(rb'"say \"hi\""'), "line 5: a quote that does not open or close"),
    })  # fmt: skip
    embedded = "two\nlines\r\nand\rmore"
    yield Case(
        "embedded-line-ends", csv_file({"number": "101"}, {"number": "102", "note": embedded}), published=TWO | {102: {"note": embedded}}
    )
    yield Case(
        "ten-megabytes-in-a-cell", csv_file({"number": "101"}, {"number": "102", "note": LONG}), published=TWO | {102: {"note": LONG}}
    )
    lines = csv_file({"number": "101"}, {"number": "102", "note": MANY_LINES})
    yield Case("ten-megabytes-of-lines-in-a-cell", lines, published=TWO | {102: {"note": MANY_LINES}})


def line_ends() -> Iterator[Case]:
    mixed = GOOD.replace(b"\n", b"\r\n", 1) + ROW.replace(b"101", b"103") + b"\r" + ROW.replace(b"101", b"104")
    yield Case("no-line-end-at-the-end", GOOD.removesuffix(b"\n"), published=TWO)
    yield Case("a-comma-at-the-end-of-each-row", GOOD.replace(b"hello", b"hello,"), published=TWO)
    yield Case("CRLF", csv_file({"number": "101"}, {"number": "102"}, end="\r\n"), published=TWO)
    yield Case("lone-CR", csv_file({"number": "101"}, {"number": "102"}, end="\r"), published=TWO)
    yield Case("mixed-line-ends", mixed, published=TWO | {103: {}, 104: {}})
    yield Case("empty-lines", GOOD.replace(b"\n", b"\n\n"), published=TWO)


def no_table() -> Iterator[Case]:
    """Files that hold nothing, or something else."""
    yield from _refused({
        "empty": (b"", "line 1: the file has no header that ends"),
        "only-spaces": (b"   \n  \n", "line 1: the header has none of the contract's columns"),
        "only-line-ends": (b"\n\r\n\n", "line 1: the file has no header that ends"),
        "only-a-mark": (b"\xef\xbb\xbf", "line 1: the file has no header that ends"),
        "only-NUL-bytes": (b"\x00" * 4096, "line 1: the file has no header that ends"),
        "semicolons": (GOOD.replace(b",", b";"), "the header is one column 'day;number;.*; the file seems to use ';'"),
        "tabs": (GOOD.replace(b",", b"\t"), r"the header is one column .*; the file seems to use '\\t'"),
        "HTML": (b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n", "none of the contract's columns"),
        "JSON": (b'{"day": "2024-01-02"}\n', "line 1: a quote that does not open"),
        "random-bytes": (bytes((n * 7919) % 251 for n in range(5000)), "line 1: "),
    })  # fmt: skip


def many_rows() -> Iterator[Case]:
    yield Case("the-same-row-twice", GOOD + ROW + b"\n", published=TWO, duplicates=1)
    yield Case(
        "a-later-row-of-a-key", GOOD + ROW.replace(b"hello", b"newer") + b"\n", published=TWO | {101: {"note": "newer"}}, duplicates=1
    )
    bad = csv_file(*({"number": str(number), "quantity": "x"} for number in range(500)))
    yield Case("nothing-but-bad-rows", bad, rejected=500, held={"quantity": ["x"] * 500})
    rows = [{"number": str(1000 + number % 700), "quantity": str(number % 5 if number % 3 else "x")} for number in range(3000)]
    last = {int(row["number"]): {"quantity": int(row["quantity"])} for row in rows if row["quantity"] != "x"}
    yield Case("many-of-each-fate", csv_file(*rows), published=last, rejected=1000, duplicates=2000 - len(last))


def _refused(files: Mapping[str, tuple[bytes, str]]) -> Iterator[Case]:
    """Files with what the refusal says of each."""
    return (Case(name, content, refused=said) for name, (content, said) in files.items())


CASES = [*encodings(), *headers(), *ragged_rows(), *quotes(), *line_ends(), *no_table(), *many_rows()]
