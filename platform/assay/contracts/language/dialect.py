"""The dialect of text files: how their rows, values and numbers are spelled, in the words of the Frictionless Table Dialect.

A contract says what differs from the default, which is RFC 4180 with decimal points. Reading by it is the business of `ingest` (rows and
values) and of `compile` (numbers). https://datapackage.org/standard/table-dialect/
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# the words of a contract, by the field that holds what they say
NAMES = {
    "delimiter": "delimiter", "quote_char": "quoteChar", "escape_char": "escapeChar", "double_quote": "doubleQuote",
    "comment_char": "commentChar", "header": "header", "decimal_char": "decimalChar", "group_char": "groupChar",
}  # fmt: skip
NUMBERS = ("decimal_char", "group_char")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text file is spelled. An empty text means that there is no such character.

    `escape_char` works within quoted values, before itself and before the quote; in files without quotes it works everywhere. Lines that
    begin with `comment_char` are no rows. Without a `header` the columns are the contract's landing columns, in their order.
    """

    delimiter: str = ","
    quote_char: str = '"'
    escape_char: str = ""
    double_quote: bool = True
    comment_char: str = ""
    header: bool = True
    decimal_char: str = "."
    group_char: str = ""

    @property
    def said(self) -> dict[str, Any]:
        """What a contract says of it: the words and values that are not the default."""
        default = asdict(Dialect())
        return {NAMES[name]: value for name, value in asdict(self).items() if value != default[name]}

    @property
    def shown(self) -> str:
        """The dialect in words, the delimiter first, for messages and pages."""
        said = {"delimiter": self.delimiter} | self.said
        return ", ".join(f"{name} {str(value).lower() if isinstance(value, bool) else repr(value)}" for name, value in said.items())

    @property
    def rows_meaning(self) -> tuple[object, ...]:
        """What decides which rows and values a file has: empty for the default, so that older fingerprints stay."""
        return tuple((name, value) for name, value in self.said.items() if name not in _names(NUMBERS))

    @property
    def numbers_meaning(self) -> tuple[object, ...]:
        """What decides how its texts are read as numbers: empty for the default."""
        return tuple((name, value) for name, value in self.said.items() if name in _names(NUMBERS))


def read_dialect(said: Mapping[str, Any]) -> Dialect:
    """The dialect of a contract's words."""
    return Dialect(**{field.name: said[NAMES[field.name]] for field in fields(Dialect) if NAMES[field.name] in said})


def conflicts(dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Words of a dialect that cannot stand together: the word to change, and why."""
    seen: dict[str, str] = {}
    for name in ("delimiter", "quote_char", "escape_char", "comment_char"):
        character = getattr(dialect, name)
        if character and seen.setdefault(character, NAMES[name]) != NAMES[name]:
            yield NAMES[name], f"{NAMES[name]} and {seen[character]} are the same character {character!r}"
    if dialect.decimal_char == dialect.group_char:
        yield NAMES["group_char"], f"groupChar and decimalChar are the same character {dialect.group_char!r}"


def _names(found: tuple[str, ...]) -> list[str]:
    return [NAMES[name] for name in found]
