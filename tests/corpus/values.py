"""Odd values: texts that are wrong, dangerous or only unusual, each in a row of its own. No row may notice the others.

Each is tried as CSV and as a JSON string, all of a column in one file. ACCEPTED says which value is published, REJECTED which texts are
quarantined, SET_ASIDE which are no event date.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from corpus.sales import TEXT as GOOD
from corpus.sales import Case, csv_file, json_file, json_line, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MANY = "9" * 400
BASE = 1000
AROUND: dict[int, dict[str, Any]] = {101: {}, 102: {}}
ACCEPTED: dict[str, list[tuple[str, Any]]] = {
    "number": [("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)), ("0042", 42)],
    "quantity": [("+5", 5), ("007", 7), ("-0", 0), ("32767", 32767), ("-32768", -32768), ("", None)],
    "price": [
        ("1.10", Decimal("1.10")), ("1.1000", Decimal("1.10")), ("-0.00", Decimal("0.00")), ("+1.5", Decimal("1.50")), (".5", Decimal("0.50")),
        ("5.", Decimal("5.00")), ("1e3", Decimal("1000.00")), ("1.50E+1", Decimal("15.00")), ("9999999999.99", Decimal("9999999999.99")),
        ("000000000000000000001.5", Decimal("1.50")),
    ],
    "weight": [
        ("-0.0", -0.0), ("5e-324", 5e-324), ("1.7976931348623157e308", 1.7976931348623157e308), ("+1.5", 1.5), (".5", 0.5), ("5.", 5.0),
        ("9007199254740993", 9007199254740992.0), ("0." + "0" * 400 + "1", 0.0), ("0.1000000000000000055511151231257827", 0.1),
    ],
    "placed": [
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)), ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("2024-03-31T02:30:00+01:00", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)), ("2024-01-02T10:00:00-0530", datetime(2024, 1, 2, 15, 30, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)), ("2024-01-02T10:00:00+23:59", datetime(2024, 1, 1, 10, 1, tzinfo=UTC)),
    ],
    "shipped": [
        ("9999-12-31", date(9999, 12, 31)), ("0001-01-01", date(1, 1, 1)), ("1582-10-10", date(1582, 10, 10)), ("2024-02-29", date(2024, 2, 29)),
    ],
    "gift": [("TRUE", True), ("Yes", True), ("1", True), ("f", False)],
    "note": [(text, text) for text in (
        "NULL", "null", "None", "N/A", "NaN", "0", "=cmd|' /C calc'!A0", "@SUM(1+1)*cmd", "+1", "'; DROP TABLE orders; --", "<script>alert(1)</script>",
        "../../../../etc/passwd", "{{7*7}}", "${jndi:ldap://x}", "%s%n", "\\", "\\N", "a\tb", " leading", "trailing ", "e\u0301", "\u00e9", "\u202edcba",
        "\u200b", "\u200f", "\ufeffx", "x\ufeff", "\x00", "a\x00b", "\x01\x1f\x7f", "\x1a", "\x85", "\u2028\u2029", "\ufffd", "\U0010ffff", "👩‍👩‍👧", "\uff46\uff55\uff4c\uff4c",
        "\u0440\u0430ypal", "line\nfeed", "return\rhere", "both\r\nends", 'say "hi"', '"', "''", ",", ";", "-", "#comment", "\u00a0",
    )],
}  # fmt: skip
REJECTED: dict[str, list[str]] = {
    "number": ["", "9223372036854775808", "-9223372036854775809", "1e3", "1.0", "one", MANY],
    "quantity": [
        "1e3", "5.0", "5.5", "1,000", "1_000", " 5", "5 ", "32768", "-32769", "99999999999999999999", "\u0665", "\uff15", "0x10", "0b1", "--5", "+-5", "+", "NaN",
        "inf", "NULL", "5\x00", "5\u200b", "\u2164", "½", "true",
    ],
    "price": [
        "1.005", "1.0000000000000000001", "1e-400", "1e400", "9999999999.999", "10000000000", "1,50", "1.000,50", "1 000", "€1.00", "1.00 ", "NaN",
        "Infinity", "1.2.3", ".", "-", "1e", "0.001", "1.5e-2", MANY,
    ],
    "weight": ["NaN", "nan", "inf", "-Infinity", "+inf", "1e400", "-1e400", MANY, "1,5", "1.000,5", "1_0", " 1", "1 ", "1e", "0x1p3", "1d", "½", "\u0665", "1.5kg"],
    "placed": [
        "2024-12-31T23:59:60Z", "2024-01-02T24:00:00Z", "2024-01-02T10:60:00Z", "2024-01-02T10:00:00+25:00", "2024-01-02T10:00:00+01:60",
        "2024-01-02T10:00:00", "2024-01-02T10:00:00 Europe/Nowhere", "2024-01-02T10:00:00CET", "2024-02-30T10:00:00Z", "0000-00-00T00:00:00Z",
        "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "10000-01-01T00:00:00Z", "+2024-01-02T10:00:00Z", "24-01-02T10:00:00Z",
        "2024-01-02 10:00:00Z", "2024-01-02T10:00:00.123456789Z", "1704189600", "2024-01-02T10:00:00\u221201:00", "2024-01-02T10:00:00Z ",
    ],
    "shipped": [
        "0000-00-00", "0000-01-01", "10000-01-01", "+10000-01-01", "-0001-01-01", "2024-02-30", "2023-02-29", "2024-13-01", "24-01-03", " 2024-01-03",
        "2024-01-03 ", "20240103", "01/03/2024", "2024-01-03T00:00:00", "2024-W01-3", "45294", "today", "2024-01-03\x00", "\uff12\uff10\uff12\uff14-01-03",
    ],
    "gift": ["2", "ja", "on", " true", "0.0", "-1"],
}  # fmt: skip
SET_ASIDE = [
    "", "0000-00-00", "2024-02-30", "2024-02-01", "2023-12-31", "24-01-02", "9999-12-31", "+10000-01-01", " 2024-01-02", "tomorrow", MANY,
]  # fmt: skip


def cases() -> Iterator[Case]:
    for column, good in ACCEPTED.items():
        bad = REJECTED.get(column, [])
        texts = [*bad[::2], *(text for text, _ in good), *bad[1::2]]
        published = {number_of(column, texts, text): {} if column == "number" else {column: value} for text, value in good}
        held = [text for text in texts if text in bad]
        for format_, content in files(column, texts):
            yield Case(f"values-of-{column}", content, format_, published=AROUND | published, rejected=len(bad), held={column: held})
    for format_, content in files("day", SET_ASIDE):
        yield Case("values-of-day", content, format_, published=AROUND, set_aside=len(SET_ASIDE), held={"day": SET_ASIDE})


def number_of(column: str, texts: Sequence[str], text: str) -> int:
    """By which number the row of a text is known."""
    return int(text) if column == "number" else BASE + texts.index(text)


def files(column: str, texts: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """A good row, a row for each text in a column, and a good row."""
    odd = [{"number": str(BASE + place)} | {column: text} for place, text in enumerate(texts)]
    rows = [{"number": "101"}, *odd, {"number": "102"}]
    yield "csv", csv_file(*rows)
    lines = [{name: json.dumps(value, ensure_ascii=False) for name, value in row.items()} for row in numbered(rows, GOOD)]
    yield "jsonl", json_file(*(json_line(**line) for line in lines))


CASES = list(cases())
