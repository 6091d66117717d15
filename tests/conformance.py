"""The cases of the conformance suite: a rule, values that keep it and values that break it, and which engines are not asked.

Every case is judged by every engine that is asked (tests/integration/test_conformance.py). docs/meaning.md says the same in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from assay.cached_property import cached_property
from assay.contracts.compiling.arrow_types import published_schema
from assay.contracts.language.literals import FINITE, Real, bound_of, value_of
from assay.contracts.model.contract import Column, Contract, Kind, Rule, Severity
from orders import orders_contract

if TYPE_CHECKING:
    import pyarrow as pa

TYPES = {
    "SMALLINT": "integer", "INTEGER": "integer", "BIGINT": "integer", "FLOAT": "number", "DOUBLE": "number", "DECIMAL(10, 2)": "number",
    "DECIMAL(20, 2)": "number", "DECIMAL(38, 0)": "number", "VARCHAR": "string", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp",
}  # fmt: skip
CONSTRAINT, JSON = "constraint", "json"
MIN, MAX, ENUM, LENGTH, SQL = Kind.MINIMUM, Kind.MAXIMUM, Kind.ENUM, Kind.LENGTH, Kind.EXPRESSION


def name_of(physical: str, letter: str = "v") -> str:
    """The column of a type: there are two of each, `v_integer` and `w_integer`."""
    return f"{letter}_" + physical.lower().replace("(", "_").replace(", ", "_").replace(")", "")


COLUMNS: tuple[Column, ...] = tuple(
    Column(name_of(physical, letter), kind, physical, required=False, description="", classification="")
    for letter in "vw"
    for physical, kind in TYPES.items()
)
with TemporaryDirectory() as folder:
    ORDERS = orders_contract(Path(folder))
SCHEMA: pa.Schema = published_schema(replace(ORDERS, columns=COLUMNS))


@dataclass(frozen=True)
class Case:
    """A rule about a column of a type. In SQL `v` and `w` are columns of it; `w` of another type is `w:TYPE`. Values may be pairs."""

    physical: str
    kind: Kind
    said: Any
    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    unasked: tuple[str, ...] = ()
    other: str = ""
    beside: tuple[Rule, ...] = ()

    @cached_property
    def rule(self) -> Rule:
        column, said = name_of(self.physical), self.said
        kind = SCHEMA.field(column).type
        if self.kind in (MIN, MAX):
            said = bound_of(kind, said, lowest=self.kind is MIN)
        elif self.kind is ENUM:
            said = tuple(value_of(kind, one) for one in said)
        elif self.kind is SQL:
            said = said.replace("{v}", column).replace("{w}", name_of(self.other or self.physical, "w"))
        return Rule("r", self.kind, Severity.ERROR, "", None if self.kind is SQL else column, said)

    @property
    def contract(self) -> Contract:
        return replace(ORDERS, columns=COLUMNS, rules=(self.rule, *self.beside), key=(), dataset_rules=())

    def row(self, value: Any) -> dict[str, Any]:
        v, w = value if isinstance(value, tuple) else (value, None)
        return {name_of(self.physical): v, name_of(self.other or self.physical, "w"): w}

    @property
    def rows(self) -> list[tuple[dict[str, Any], bool]]:
        return [(self.row(one), keeps) for values, keeps in ((self.good, True), ((*self.bad,), False), ((None,), True)) for one in values]

    def __str__(self) -> str:
        return f"{self.physical} {self.kind} {self.said}"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def bounded(first: str, last: str) -> tuple[Rule, ...]:
    """The promise that instants are such as DataFusion can compare."""
    column = name_of("TIMESTAMP")
    kinds = (("lowest", MIN, first), ("highest", MAX, last))
    return tuple(Rule(name, kind, Severity.ERROR, "", column, instant(text)) for name, kind, text in kinds)


D = Decimal
F = 0.10000000149011612  # what 0.1 becomes in a FLOAT
UP, DOWN = 0.10000000894069672, 0.09999999403953552  # its neighbours
BIG, SMALL = 2**63 - 1, -(2**63)
ABC, FACE, FAMILY = "abc", "\U0001f600", "\U0001f468\u200d\U0001f469"

VALUES = [
    Case("SMALLINT", MIN, 0, (0, 32767), (-1, -32768)),
    Case("SMALLINT", MAX, 10**40, (32767, -32768), ()),
    Case("INTEGER", MIN, Real("0.5"), (1,), (0, -1)),
    Case("INTEGER", MAX, Real("-0.5"), (-1,), (0, 1)),
    Case("INTEGER", MAX, Real("1.0"), (1,), (2,)),
    Case("INTEGER", ENUM, (1, Real("2.0")), (1, 2), (3, 0)),
    Case("BIGINT", MAX, 9007199254740993, (9007199254740993,), (9007199254740994,)),
    Case("BIGINT", MIN, SMALL, (SMALL, BIG), ()),
    Case("BIGINT", MAX, 99999999999999999999999999999999999999, (BIG,), ()),
    Case("BIGINT", ENUM, (9007199254740993, SMALL), (9007199254740993, SMALL), (9007199254740992, BIG)),
    Case("FLOAT", Kind.TYPE, FINITE, (F, 3.4028234663852886e38, 0.0), (math.nan, math.inf, -math.inf), (JSON,)),
    Case("DOUBLE", Kind.TYPE, FINITE, (0.1, 1.7976931348623157e308, -5e-324), (math.nan, math.inf, -math.inf), (JSON,)),
    Case("FLOAT", MAX, Real("0.1"), (F, DOWN, -1e30), (UP, 0.2)),
    Case("FLOAT", MIN, Real("0.1"), (F, UP), (DOWN, 0.0)),
    Case("FLOAT", ENUM, (Real("0.1"), Real("0.3")), (F, 0.30000001192092896), (UP, DOWN, 0.2)),
    Case("FLOAT", ENUM, (16777217, 5), (16777216.0, 5.0), (16777218.0,)),
    Case("FLOAT", MAX, 10**40, (3.4028234663852886e38,), ()),
    Case("DOUBLE", MAX, Real("0.1"), (0.1, 0.0), (0.10000000000000002,)),
    Case("DOUBLE", ENUM, (1, Real("2.5"), Real("-1.0e-300")), (1.0, 2.5, -1e-300), (1.5, 0.0)),
    Case("DOUBLE", MIN, Real("-1.0e+300"), (-1e300, 0.0), (-1.1e300,)),
    Case("DOUBLE", MAX, Real("0.30000000000000004"), (0.30000000000000004, 0.3), (0.3000000000000001,)),
    Case("DECIMAL(10, 2)", MIN, Real("0.125"), (D("0.13"),), (D("0.12"), D("-1.00"))),
    Case("DECIMAL(10, 2)", MAX, Real("0.125"), (D("0.12"),), (D("0.13"),)),
    Case("DECIMAL(10, 2)", ENUM, (Real("0.1"), 5), (D("0.10"), D("5.00")), (D("0.11"), D("50.00"))),
    Case("DECIMAL(20, 2)", MAX, Real("90071992547409.93"), (D("90071992547409.93"),), (D("90071992547409.94"),), (JSON,)),
    Case("DECIMAL(20, 2)", ENUM, (Real("90071992547409.93"),), (D("90071992547409.93"),), (D("90071992547409.94"),), (JSON,)),
    Case("DECIMAL(38, 0)", MAX, 10**38 - 2, (D(10**38 - 2),), (D(10**38 - 1),), (JSON,)),
    Case("VARCHAR", ENUM, ("a", "o'neil", 'a"b', "a\\b", "a\nb", "é", ""), ("a", "o'neil", 'a"b', "a\\b", "a\nb", "é", ""), ("A", "e\u0301", "oneil", "a ", " ")),
    Case("VARCHAR", LENGTH, (2, 2), ("ab", "é" * 2, FACE * 2, "e\u0301"), ("a", ABC, FACE, FAMILY, "")),
    Case("VARCHAR", LENGTH, (1, None), ("a", " ", "\n", FAMILY * 50), ("",)),
    Case("BOOLEAN", ENUM, (True,), (True,), (False,)),
    Case("DATE", MIN, "2024-02-29", (date(2024, 2, 29), date(9999, 12, 31)), (date(2024, 2, 28), date(1, 1, 1)), (JSON,)),
    Case("DATE", MAX, "1582-10-10", (date(1582, 10, 10), date(1, 1, 1)), (date(1582, 10, 11),), (JSON,)),
    Case("DATE", ENUM, ("2024-02-29", "0001-01-01"), (date(2024, 2, 29), date(1, 1, 1)), (date(2024, 3, 1),)),
    Case("TIMESTAMP", MIN, "2024-01-01T01:00:00+01:00", (instant("2024-01-01"), instant("9999-12-31")), (instant("2023-12-31T23:59:59.999999"),), (CONSTRAINT, JSON)),
    Case("TIMESTAMP", MIN, "2024-03-10T07:00:00.000001Z", (instant("2024-03-10T07:00:00.000001"),), (instant("2024-03-10T07:00:00"),), (JSON,),
         beside=bounded("1678-01-01", "2261-12-31")),
    Case("TIMESTAMP", ENUM, ("2024-11-03T01:30:00-05:00",), (instant("2024-11-03T06:30:00"),), (instant("2024-11-03T05:30:00"),), (JSON,),
         beside=bounded("1900-01-01", "2100-01-01")),
]  # fmt: skip

NO_EDGE = (CONSTRAINT,)  # no one text means the edge of a word of ASCII to both Spark and DataFusion
MATCHES = Kind.PATTERN
PATTERNS = [
    Case("VARCHAR", MATCHES, r"^\w+$", ("Zoe", "a_1"), ("Zoë", "", "a\n", "a-b", "\u0660")),
    Case("VARCHAR", MATCHES, r"^\d+$", ("0123456789",), ("\u0661\u0662", "1\n", "1 ", "²")),
    Case("VARCHAR", MATCHES, r"^\D\W$", ("\u0661é", "a-", FACE + FACE), ("1-", "aa", "é")),
    Case("VARCHAR", MATCHES, r"^\s$", ("\u00a0", "\ufeff", "\u3000", "\u2028", "\x0b", "\n", " "), ("\u200b", "\u0085", "\x1c", "a")),
    Case("VARCHAR", MATCHES, r"\S", ("\u200b", "\u0085", FACE), ("\u00a0", " ", "")),
    Case("VARCHAR", MATCHES, r"\be", ("e", "ée", " e", "-e"), ("ae", "1e", "_e"), NO_EDGE),
    Case("VARCHAR", MATCHES, r"e\b", ("e", "eé", "e\u0301", "the end"), ("ea", "e1"), NO_EDGE),
    Case("VARCHAR", MATCHES, r"é\b", ("éa", "é1"), ("é", "éé", "é-"), NO_EDGE),
    Case("VARCHAR", MATCHES, r"^\Ba|b\B", ("ba", "bc"), ("a", "b", "a b"), NO_EDGE),
    Case("VARCHAR", MATCHES, r"^a\-b$", ("a-b",), ("a\\-b", "ab")),
    Case("VARCHAR", MATCHES, r"^a]b}$", ("a]b}",), ("ab", "a]b")),
    Case("VARCHAR", MATCHES, r"^.{1,2000}$", ("a", "é" * 2000, FACE * 1001), ("", "a" * 2001, "a\nb", "a\rb", "a\u2028", "a\n")),
    Case("VARCHAR", MATCHES, r"^.$", ("\u0085", "\x00", "\x0b", FACE, "'"), ("\n", "\r", "\u2029", "", "e\u0301")),
    Case("VARCHAR", MATCHES, r"^x{1500,}y$", ("x" * 1500 + "y", "x" * 3000 + "y"), ("x" * 1499 + "y",)),
    Case("VARCHAR", MATCHES, r"^\u0041\x42\u{1F600}\ud83d\ude00\cJ$", ("AB" + FACE * 2 + "\n",), ("AB", "ab" + FACE * 2 + "\n")),
    Case("VARCHAR", MATCHES, r"^[\u{1F600}-\u{1F64F}]$", (FACE, "\U0001f64f"), ("\U0001f650", "\ud7ff", "a")),
    Case("VARCHAR", MATCHES, r"^[^\u{1F600}]$", ("a", "\n", "\U0001f601"), (FACE, "ab", "")),
    Case("VARCHAR", MATCHES, r"^\p{Lu}\p{Letter}*\P{L}$", ("Éa1", "A-", "Ωω."), ("éa1", "Ab", "a")),
    Case("VARCHAR", MATCHES, r"^[\p{Nd}\p{Sc}.-]+$", ("\u0661€1.-",), ("a", "½", "")),
    Case("VARCHAR", MATCHES, r"^[^\p{L}\d]+$", ("-\u0661", "\n"), ("a", "é", "1")),
    Case("VARCHAR", MATCHES, r"^\p{Greek}+\p{Script=Han}\p{sc=Cyrillic}$", ("Ωω漢Я",), ("Aω漢Я", "Ω漢a")),
    Case("VARCHAR", MATCHES, r"^a\z", ("a",), ("a\n", "ab")),
    Case("VARCHAR", MATCHES, r"\Aa$", ("a",), ("a\n", "ba", "\na", "b\na")),
    Case("VARCHAR", MATCHES, r"^$", ("",), ("\n", "a")),
    Case("VARCHAR", MATCHES, r"a$|^b", ("a", "ba", "bc"), ("a\n", "ac", "\nb")),
    Case("VARCHAR", MATCHES, r"^(?<year>\d{4})-(?:0[1-9]|1[0-2])+?$", ("2024-01", "2024-0112"), ("2024-13", "2024-")),
    Case("VARCHAR", MATCHES, r"^(ab?|c){2,3}$", ("aba", "ccc", "ab" * 3), ("a", "abab" * 2, "b")),
    Case("VARCHAR", MATCHES, r"^[\]\[^&~{}\\|/#' \-]+$", ("]", "[", "^", "&", "~", "{}", "\\", "|", "/", "#", "'", " ", "-"), ("", "a", "`")),
    Case("VARCHAR", MATCHES, r"^[+--]$", ("+", ",", "-"), (".", "*")),
    Case("VARCHAR", MATCHES, r"^it's \(\$1\.50\*\+\?\)\^\\ \{\{x\}\}$", ("it's ($1.50*+?)^\\ {{x}}",), ("its", "it's ($1x50*+?)^\\ {{x}}")),
    Case("VARCHAR", MATCHES, r"[\b\0]", ("a\bc",), ("a", "b", "0")),
    Case("VARCHAR", MATCHES, r"\S\s\S|^[\s\S]?$", ("a\u00a0b", "", "\n", "a"), ("ab", "  ")),
    Case("VARCHAR", MATCHES, "^[a-zé]+$", ("é", "caé"), ("É", "e\u0301", "A")),
    Case("VARCHAR", MATCHES, "[A-Z]{3}", ("ABC", "xABCx\n"), ("AB", "abc", "AB C")),
    Case("VARCHAR", MATCHES, "k|s", ("k", "as"), ("\u212a", "\u017f", "K")),
]  # fmt: skip

ONE_COLUMN = (JSON,)
NO_OTHER = (CONSTRAINT, JSON)
CONDITIONS = [
    Case("VARCHAR", SQL, "{v} == 'a'", ("a",), ("b", "A", "a "), ONE_COLUMN),
    Case("VARCHAR", SQL, "{v} <> 'it''s'", ("its", ""), ("it's",), ONE_COLUMN),
    Case("VARCHAR", SQL, "{v} >= 'b'", ("b", "ba", "é", "\uffff", FACE), ("a", "B", ""), ONE_COLUMN),
    Case("VARCHAR", SQL, "{v} < '\uffff'", ("a", "é"), (FACE,), ONE_COLUMN),
    Case("VARCHAR", SQL, "{v} < {w}", (("a", "b"), ("a", None), ("\uffff", FACE)), (("b", "a"), ("a", "a"), (FACE, "\uffff")), ONE_COLUMN),
    Case("VARCHAR", SQL, "{v} NOT IN ('a', 'b\\c')", ("b", ""), ("a", "b\\c"), ONE_COLUMN),
    Case("BOOLEAN", SQL, "{v}", (True,), (False,), ONE_COLUMN),
    Case("BOOLEAN", SQL, "NOT {v} = true", (False,), (True,), ONE_COLUMN),
    Case("BOOLEAN", SQL, "{v} OR {w}", ((True, None), (None, None), (False, True), (None, False)), ((False, False),), ONE_COLUMN),
    Case("BOOLEAN", SQL, "{v} AND {w}", ((True, None), (True, True)), ((False, None), (None, False), (True, False)), ONE_COLUMN),
    Case("BOOLEAN", SQL, "{v} = ({w} IS NULL)", ((True, None), (False, True), (None, None)), ((True, True), (False, None)), ONE_COLUMN),
    Case("BOOLEAN", SQL, "{v} IS NOT FALSE", (True,), (False,), ONE_COLUMN),
    Case("INTEGER", SQL, "{v} <=> {w} OR {w} IS NULL", ((1, 1), (1, None)), ((1, 2), (None, 2)), ONE_COLUMN),
    Case("INTEGER", SQL, "{v} IS NOT DISTINCT FROM {w} OR {w} IS NULL", ((1, 1),), ((1, 2), (None, 2)), ONE_COLUMN),
    Case("INTEGER", SQL, "{v} < 1.5", (1,), (2,), ONE_COLUMN),
    Case("INTEGER", SQL, "{v} > 0.5 AND {v} <= 1e9", (1, 10**9), (0, 10**9 + 1), ONE_COLUMN),
    Case("INTEGER", SQL, "{v} BETWEEN -1 AND 3 -- as seen", (-1, 3), (-2, 4), ONE_COLUMN),
    Case("INTEGER", SQL, "{v} NOT BETWEEN 1 AND 3", (0, 4), (1, 2, 3), ONE_COLUMN),
    Case("INTEGER", SQL, "{v} NOT IN (1, 2.0)", (0, 3), (1, 2), ONE_COLUMN),
    Case("INTEGER", SQL, "{v} <= {w}", ((1, BIG), (1, None)), ((1, SMALL),), ONE_COLUMN, other="BIGINT"),
    Case("BIGINT", SQL, "{v} < {w}", ((1, D("1.01")), (BIG, None)), ((1, D("1.00")), (2, D("1.99"))), ONE_COLUMN, other="DECIMAL(10, 2)"),
    Case("BIGINT", SQL, "{v} > {w}", ((9007199254740994, 9007199254740993),), ((9007199254740993, 9007199254740994),), ONE_COLUMN),
    Case("FLOAT", SQL, "{v} <= 0.1", (F, DOWN), (UP,), ONE_COLUMN),
    Case("FLOAT", SQL, "{v} = 0.1 OR {v} IN (0.3, 5)", (F, 0.30000001192092896, 5.0), (UP, 0.5), ONE_COLUMN),
    Case("FLOAT", SQL, "{v} < {w}", ((F, 0.2), (DOWN, 0.1)), ((F, 0.1), (0.5, 0.25)), ONE_COLUMN, other="DOUBLE"),
    Case("INTEGER", SQL, "{v} = {w}", ((16777217, 16777217.0),), ((16777217, 16777216.0),), ONE_COLUMN, other="DOUBLE"),
    Case("INTEGER", SQL, "{v} = {w}", ((16777216, 16777216.0),), ((16777217, 16777216.0),), ONE_COLUMN, other="FLOAT"),
    Case("DECIMAL(20, 2)", SQL, "{v} <= 90071992547409.93", (D("90071992547409.93"),), (D("90071992547409.94"),), ONE_COLUMN),
    Case("DECIMAL(20, 2)", SQL, "{v} < 0.125", (D("0.12"),), (D("0.13"),), ONE_COLUMN),
    Case("DECIMAL(20, 2)", SQL, "{v} = {w}", ((D("5.00"), D(5)),), ((D("5.10"), D(5)), (D("90071992547409.93"), D("90071992547410"))), NO_OTHER, other="DECIMAL(38, 0)"),
    Case("DATE", SQL, "{v} >= '2024-02-29' AND {v} < DATE '2024-03-01'", (date(2024, 2, 29),), (date(2024, 3, 1), date(2024, 2, 28)), ONE_COLUMN),
    Case("TIMESTAMP", SQL, "{v} >= TIMESTAMP '2024-01-01 00:00:00'", (instant("2024-01-01"),), (instant("2023-12-31T23:59:59"),), ONE_COLUMN,
         beside=bounded("1900-01-01", "2100-01-01")),
    Case("BIGINT", SQL, "{v} * {w} > 0", ((BIG, BIG), (SMALL, SMALL)), ((BIG, SMALL), (0, 1)), NO_OTHER),
    Case("INTEGER", SQL, "{v} * {v} < 5000000000", (65536,), (100000,), NO_OTHER),
    Case("SMALLINT", SQL, "{v} + {w} <= 40000 AND -{v} < 32768", ((20000, 20000), (-32767, 0)), ((32767, 32767), (-32768, 0)), NO_OTHER),
    Case("INTEGER", SQL, "{v} / {w} > 0.5", ((2, 3), (1, 0), (0, 0)), ((1, 2), (1, 3)), NO_OTHER),
    Case("DOUBLE", SQL, "{v} / {w} >= 0.5", ((1.0, 0.0), (0.0, 0.0), (1.0, 2.0)), ((1.0, 3.0),), NO_OTHER),
    Case("FLOAT", SQL, "{v} * 2 <= 0.2", (0.05000000074505806,), (F,), NO_OTHER),
    Case("VARCHAR", SQL, "LENGTH({v}) > 1", ("ab", FACE * 2), ("a", ""), NO_OTHER),
    Case("VARCHAR", SQL, "{v} LIKE 'a%'", ("a", "ab"), ("ba", "A"), NO_OTHER),
]  # fmt: skip
