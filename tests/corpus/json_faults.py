"""Files of JSON lines that are wrong, or unusual: whole files, and values that only JSON can say."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from corpus.sales import TEXT, Case, json_file, json_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIRST, SECOND = json_line(number='"101"'), json_line(number='"102"')
GOOD = json_file(FIRST, SECOND)
TWO: dict[int, dict[str, Any]] = {101: {}, 102: {}}
DIGITS = "1" * 400
LONG = "x" * (10 << 20)
MAY_BE_NULL = [name for name in TEXT if name not in {"day", "number"}]


def lines_that_are_no_object() -> Iterator[Case]:
    yield from _refused_lines({
        "an-array-on-a-line": ("[1, 2]", "line 3: expected an object, found an array"),
        "a-string": ('"x"', "line 3: expected an object, found a string"),
        "a-number": ("5", "line 3: expected an object, found a number"),
        "a-null-on-a-line": ("null", "line 3: expected an object, found a literal"),
        "cut": (FIRST[:30], "line 3, column 31: Expecting"),
        "two-objects-on-a-line": (FIRST + SECOND, "line 3, column .*Extra data"),
        "a-comma-behind": (FIRST + ",", "line 3, column .*Extra data"),
        "a-comma-at-the-end-of-an-object": (FIRST.replace("}", ",}"), "line 3, column "),
        "single-quotes": (FIRST.replace('"', "'"), "line 3, column 2"),
        "a-comment": ("// nothing", "line 3, column 1"),
        "an-empty-line": ("", "line 3, column 1: Expecting value"),
    })  # fmt: skip


def names() -> Iterator[Case]:
    yield from _refused_lines({
        "names-without-quotes": (FIRST.replace('"day"', "day"), "line 3, column 2"),
        "an-unknown-name": (FIRST.replace("note", "secret"), "line 3: unknown column secret"),
        "a-name-in-capitals": (FIRST.replace("note", "NOTE"), "line 3: unknown column NOTE"),
        "a-name-of-half-a-pair": (FIRST.replace("note", "\\ud800"), r"line 3: unknown column \\ud800"),
        "a-name-twice": (FIRST.replace('"note"', '"day": "2024-01-03", "note"'), "line 3: an object names a key twice"),
        "a-name-twice-in-another-spelling": (FIRST.replace('"note"', '"d\\u0061y": "2024-01-03", "note"'), "line 3: an object names a key twice"),
        "a-name-twice-inside-a-value": (json_line(note='{"a": 1, "a": 2}'), "line 3: an object names a key twice"),
        "ten-thousand-names": ("{" + ", ".join(f'"c{n}": 1' for n in range(10_000)) + "}", "line 3: unknown column .* and 9,995 more"),
    })  # fmt: skip
    fewer = json.dumps({"day": TEXT["day"], "number": 103})
    yield _third("names-in-another-order", json.dumps(dict(reversed({**TEXT, "number": "103"}.items()))))
    yield _third("fewer-names", fewer, **dict.fromkeys(MAY_BE_NULL))
    yield _third("escaped-names", _odd().replace('"note"', '"n\\u006fte"'))
    yield _third("spaces-everywhere", _odd().replace(": ", " \t:  ").replace(", ", " ,\t "))
    yield _third("an-empty-object", "{}", set_aside=1)


def letters() -> Iterator[Case]:
    """What a string may not hold, and what it may."""
    yield from _refused_lines({
        "half-a-pair": (json_line(note='"\\ud800"'), "line 3: half of a surrogate pair"),
        "the-other-half": (json_line(note='"x\\udc00y"'), "line 3: half of a surrogate pair"),
        "half-a-pair-inside-a-value": (json_line(note='{"a": ["\\udfff"]}'), "line 3: half of a surrogate pair"),
        "a-control-letter": (json_line(note='"a\x01b"'), "line 3, column .*control character"),
        "a-NUL-byte": (json_line(note='"a\x00b"'), "line 3, column .*control character"),
        "a-tab": (json_line(note='"a\tb"'), "line 3, column .*control character"),
        "an-unknown-escape": (json_line(note='"\\x41"'), "line 3, column .*escape"),
        "a-short-escape": (json_line(note='"\\u12"'), "line 3, column .*escape"),
        "a-line-end-in-a-string": (json_line(note='"two\nlines"'), "line 3, column "),
    })  # fmt: skip
    yield _third("escapes", _odd(note='"\\u00e9\\n\\t\\"\\\\\\/\\u0000"'), note='é\n\t"\\/\x00')
    yield _third("embedded-line-ends", _odd(note='"two\\nlines\\r\\nand\\rmore"'), note="two\nlines\r\nand\rmore")
    yield _third("a-pair-of-surrogates", _odd(note='"\\ud83d\\ude00"'), note="😀")
    yield _third("ten-megabytes-in-a-value", _odd(note=json.dumps(LONG)), note=LONG)


def numbers() -> Iterator[Case]:
    yield from _refused_lines({
        "leading-zeros": (json_line(quantity="007"), "line 3, column"),
        "a-plus-sign": (json_line(quantity="+5"), "line 3, column"),
        "no-digit-before-the-point": (json_line(price=".5"), "line 3, column"),
        "no-digit-behind-the-point": (json_line(price="5."), "line 3, column"),
        "hexadecimal": (json_line(quantity="0x10"), "line 3, column"),
    })  # fmt: skip
    yield _third("numbers-as-numbers", _odd(number="103", quantity="2", price="1.50", weight="0.1", gift="false"))
    yield _third("a-price-with-all-its-digits", _odd(price="9999999999.99"), price=Decimal("9999999999.99"))
    yield _third("negative-zero", _odd(weight="-0.0", quantity="-0"), weight=-0.0, quantity=0)
    largest = json_file(FIRST, SECOND, json_line(number="9223372036854775807"))
    yield Case("the-largest-integer", largest, "jsonl", published=TWO | {2**63 - 1: {}})
    yield _third("an-integer-that-no-float-holds", _odd(note="9007199254740993"), note="9007199254740993")
    yield _third("integer-overflow", _odd(quantity="32768"), rejected=1)
    yield _third("overflow-of-64-bits", _odd(number="9223372036854775808"), rejected=1)
    yield _third("exponent-in-an-integer", _odd(quantity="1e1"), rejected=1)
    yield _third("point-in-an-integer", _odd(quantity="2.0"), rejected=1)
    yield _third("1e400", _odd(weight="1e400"), rejected=1)
    yield _third("four-hundred-digits", _odd(quantity=DIGITS), rejected=1)
    yield _third("four-hundred-digits-as-text", _odd(note=DIGITS), note=DIGITS)
    yield _third("a-million-digits", _odd(note="1" * 1_000_000), note="1" * 1_000_000)
    yield _third("bare-NaN", _odd(weight="NaN"), rejected=1)
    yield _third("bare-Infinity", _odd(weight="-Infinity"), rejected=1)
    yield _third("too-many-decimals", _odd(price="1.505"), rejected=1)


def other_types() -> Iterator[Case]:
    """Values of another type than the contract means, and nested ones."""
    deep = 50_000
    yield from _refused_lines({
        "Python's-words": (json_line(gift="True"), "line 3, column"),
        "nested-a-hundred-thousand-deep": (json_line(note="[" * 2 * deep + "]" * 2 * deep), "line 3: values are nested more than 100 deep"),
        "nested-and-never-closed": (json_line(note="[" * 2 * deep), "line 3: values are nested more than 100 deep"),
        "nested-objects": (json_line(note='{"a":' * deep + "1" + "}" * deep), "line 3: values are nested more than 100 deep"),
    })  # fmt: skip
    nested = '{"a": [1.50, null, "é"], "b": {}}'
    yield _third("a-boolean-where-a-number-is-meant", _odd(quantity="true"), rejected=1)
    yield _third("an-object-where-a-number-is-meant", _odd(quantity='{"value": 2}'), rejected=1)
    yield _third("an-array-where-a-date-is-meant", _odd(shipped="[2024, 1, 3]"), rejected=1)
    yield _third("a-number-where-a-time-is-meant", _odd(placed="1704186000"), rejected=1)
    yield _third("a-number-where-the-event-date-is-meant", _odd(day="20240102"), set_aside=1)
    yield _third("an-object-where-text-is-meant", _odd(note=nested), note=nested)
    yield _third("null", _odd(**dict.fromkeys(MAY_BE_NULL, "null")), **dict.fromkeys(MAY_BE_NULL))
    yield _third("the-word-null-in-quotes", _odd(note='"null"'), note="null")
    yield _third("an-empty-text", _odd(note='""'), note=None)
    yield _third("a-null-key", _odd(number="null"), rejected=1)


def whole_files() -> Iterator[Case]:
    for name, content, said in (
        ("one-array-of-objects", f"[{FIRST},\n{SECOND}]\n".encode(), "line 1, column "),
        ("one-array-on-one-line", f"[{FIRST}, {SECOND}]\n".encode(), "line 1: expected an object, found an array"),
        ("written-over-many-lines", json.dumps(TEXT, indent=2).encode(), "line 1, column 2"),
        ("lone-CR", GOOD.replace(b"\n", b"\r"), "line 1, column .*Extra data"),
        ("only-spaces", b"  \n  \n", "line 1, column"),
        ("UTF-16", GOOD.decode().encode("utf-16"), "line 1: not utf-8"),
        ("Latin-1", json_file(FIRST, json_line(note='"Zürich"')).decode().encode("latin-1"), "line 2: not utf-8"),
        ("overlong-slash", GOOD.replace(b"hello", b"\xc0\xaf"), "line 1: not utf-8"),
        ("NUL-bytes", b"\x00" * 100, "line 1, column 1"),
        ("a-mark-in-the-middle", GOOD + b"\xef\xbb\xbf" + GOOD, "line 3, column 1"),
        ("cut-at-the-end", GOOD[:-30], "line 2, column"),
        ("CSV", b"day,number\n2024-01-02,1\n", "line 1, column 1"),
    ):
        yield Case(name, content, "jsonl", refused=said)
    yield Case("CRLF", GOOD.replace(b"\n", b"\r\n"), "jsonl", published=TWO)
    yield Case("mixed-line-ends", GOOD.replace(b"\n", b"\r\n", 1), "jsonl", published=TWO)
    yield Case("byte-order-mark", b"\xef\xbb\xbf" + GOOD, "jsonl", published=TWO)
    yield Case("no-line-end-at-the-end", GOOD.removesuffix(b"\n"), "jsonl", published=TWO)
    yield Case("empty", b"", "jsonl")
    yield Case("the-same-row-twice", GOOD + GOOD, "jsonl", published=TWO, duplicates=2)


def many_shapes() -> Iterator[Case]:
    """A thousand lines in forty shapes: names left out in turn, in turn in another order, every tenth with a nested value."""
    names, lines, published = ["price", "weight", "gift", "note"], [], dict[int, dict[str, Any]]()
    for number in range(1000, 2000):
        left_out = names[number % 5] if number % 5 < 4 else None
        values: dict[str, Any] = {name: value for name, value in TEXT.items() if name != left_out} | {"number": str(number)}
        changed: dict[str, Any] = {left_out: None} if left_out else {}
        if number % 10 == 4:
            values["note"], changed["note"] = {"n": number}, f'{{"n": {number}}}'
        ordered = sorted(values.items(), reverse=number % 8 < 4) if number % 3 else list(values.items())
        lines.append(json.dumps(dict(ordered)))
        published[number] = changed
    yield Case("many-shapes", json_file(*lines), "jsonl", published=published)


def _odd(**changed: str) -> str:
    """A third line, of which some values are JSON as it stands in the file."""
    return json_line(**({"number": "103"} | changed))


def _third(name: str, line: str, *, rejected: int = 0, set_aside: int = 0, **changed: object) -> Case:
    """Two good lines and a third, and what is published of that."""
    published = TWO if rejected or set_aside else TWO | {103: changed}
    return Case(name, json_file(FIRST, SECOND, line), "jsonl", published=published, rejected=rejected, set_aside=set_aside)


def _refused_lines(lines: Mapping[str, tuple[str, str]]) -> Iterator[Case]:
    """Lines between good ones, with what the refusal of the file says."""
    for name, (line, said) in lines.items():
        yield Case(name, json_file(FIRST, SECOND, line, json_line(number='"104"')), "jsonl", refused=said)


CASES = [*lines_that_are_no_object(), *names(), *letters(), *numbers(), *other_types(), *whole_files(), *many_shapes()]
