"""JSON Schemas (2020-12) compiled from a contract: of a row as it is published, and of a row as it lands.

What JSON Schema cannot say (bounds of dates, conditions over several columns, other datasets) is named in `$comment`, so that nobody
takes a valid row for a good one.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa

from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.language.date_formats import java_pattern
from assay.contracts.language.literals import shown, value_of
from assay.contracts.model.contract import Column, Contract, Kind, Published, Rule, Severity
from assay.contracts.model.descriptions import column_words, dataset_words
from assay.contracts.patterns.printer import ECMA, said_to

if TYPE_CHECKING:
    from collections.abc import Iterable

    Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
INSTANT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{1,6})?(?:Z|\\+00:00)$"
BOUNDS = {Kind.MINIMUM: "minimum", Kind.MAXIMUM: "maximum"}
LARGEST_SAFE = 2**53  # beyond it programs that read JSON's numbers as floats confuse neighbours
TOLD_BY_TYPE = (Kind.TYPE, Kind.REQUIRED)
TEXTUAL = "csv"  # a format that has nothing but texts
WITH_ABSENT_KEYS = "jsonl"  # a format in which a row may lack a key


def published_row(contract: Published) -> Schema:
    """The schema of one published row as JSON: dates and instants are ISO 8601 texts, decimals are numbers.

    Of a masked column only the type is told: its rules are about the value before it was masked.
    """
    properties = {column.name: _published(column, _rules_of(contract, column)) for column in contract.columns}
    untold = [rule for rule in contract.rules if rule.severity is Severity.ERROR and not _is_told(contract, rule)]
    return {
        **_head(contract, "row", f"{contract.dataset}, as published", dataset_words(contract)),
        **_comment(f"{rule.name} ({rule.description})" for rule in untold),
        "properties": properties,
        "required": [column.name for column in contract.columns if column.required],
    }


def landed_row(contract: Contract) -> Schema:
    """The schema of one row as it lands, as JSON: what a producer can check before it sends a file.

    A column that is read as a text carries the rules of that text; types other than text are only described, for values land as text.
    """
    source = contract.source
    described = source.column_descriptions or ("",) * len(source.columns)
    properties = {
        name: _landed(contract, name, text) for name, text in zip(source.columns, described, strict=True) if name not in source.paths
    }
    needed = {column.source for column in contract.columns if column.required}
    required = [
        name for name in source.file_columns if (name in needed if source.format == WITH_ABSENT_KEYS else name not in source.optional)
    ]
    return {
        **_head(contract, "landed", f"{contract.dataset}, as it lands", source.description),
        **_comment(["the types of the published columns", "the rules about them that are not about one text"]),
        "properties": properties,
        "required": required,
    }


def _head(contract: Published, what: str, title: str, description: str) -> Schema:
    deprecated = {"deprecated": True} if contract.deprecated else {}
    return {
        "$schema": DIALECT,
        "$id": f"urn:assay:{quote(contract.dataset)}:{quote(contract.version)}:{what}",
        "title": title,
        "description": description.strip(),
        **deprecated,
        "type": "object",
        "additionalProperties": False,
    }


def _comment(untold: Iterable[str]) -> Schema:
    said = list(untold)
    return {"$comment": f"Not told here: {'; '.join(said)}."} if said else {}


def _rules_of(contract: Published, column: Column) -> list[Rule]:
    found = (rule for rule in contract.rules if rule.column == column.name and rule.kind not in TOLD_BY_TYPE)
    return [rule for rule in found if _is_told(contract, rule)]


def _is_told(contract: Published, rule: Rule) -> bool:
    column = next((one for one in contract.columns if one.name == rule.column), None)
    if rule.kind in TOLD_BY_TYPE:
        return True
    if column is None or column.masking:
        return False
    if rule.kind in BOUNDS or rule.kind is Kind.ENUM:
        values = rule.argument if rule.kind is Kind.ENUM else (rule.argument,)
        return all(_spellings(arrow_type(column), one) for one in values) and not (rule.kind in BOUNDS and isinstance(rule.argument, date))
    return rule.kind in (Kind.LENGTH, Kind.PATTERN)


def _published(column: Column, rules: Iterable[Rule]) -> Schema:
    kind = arrow_type(column)
    schema: Schema = {"description": column_words(column), **_typed(kind)}
    for rule in rules:
        if rule.kind in BOUNDS:
            name, (widest, tightest) = BOUNDS[rule.kind], (min, max) if rule.kind is Kind.MINIMUM else (max, min)
            bound = widest(_spellings(kind, rule.argument))
            schema[name] = tightest(schema.get(name, bound), bound)
        else:
            schema |= _text_rule(rule, kind)
    if not column.required:
        schema["type"] = [schema["type"], "null"]
        schema |= {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | ({"deprecated": True} if column.deprecated else {}) | _extra(column)


def _extra(column: Column) -> Schema:
    """Keywords of our own, which validators pass over."""
    masking = str(column.masking.method) if column.masking else None
    said = {"x-unit": column.unit, "x-classification": column.classification or None, "x-masking": masking}
    return {name: value for name, value in said.items() if value is not None}


def _typed(kind: pa.DataType) -> Schema:
    known = pa.types
    if known.is_integer(kind):
        highest = 2 ** (kind.bit_width - 1)
        return {"type": "integer", "minimum": -highest, "maximum": highest - 1}
    if known.is_decimal(kind):
        beyond = 10 ** (kind.precision - kind.scale)
        return {"type": "number", "exclusiveMinimum": -beyond, "exclusiveMaximum": beyond}
    if known.is_floating(kind):
        return {"type": "number"}
    if known.is_boolean(kind):
        return {"type": "boolean"}
    if known.is_date(kind):
        return {"type": "string", "format": "date", "pattern": DATE}
    return {"type": "string", "format": "date-time", "pattern": INSTANT} if known.is_timestamp(kind) else {"type": "string"}


def _spellings(kind: pa.DataType, value: Any) -> list[Any]:  # noqa: ANN401  # a bound or a value of an enumeration
    """How a value may be spelled in JSON: a FLOAT as itself or with the digits that tell it apart.

    There is no spelling of an instant, which has many, and of a decimal of which readers would lose digits.
    """
    meant = value_of(kind, value)
    if isinstance(meant, date):
        return [] if isinstance(meant, datetime) else [meant.isoformat()]
    if isinstance(meant, Decimal):
        number = int(meant) if meant == int(meant) else float(meant)
        return [number] if Decimal(repr(number)) == meant and abs(number) < LARGEST_SAFE else []
    if kind == pa.float32():
        return list(dict.fromkeys([meant, float(shown(kind, meant))]))
    return [meant]


def _text_rule(rule: Rule, kind: pa.DataType) -> Schema:
    """A length, a pattern or an enumeration."""
    if rule.kind is Kind.LENGTH:
        low, high = rule.argument
        return {"minLength": low} | ({"maxLength": high} if high is not None else {})
    if rule.kind is Kind.PATTERN:
        return {"pattern": said_to(ECMA, rule.argument)}
    return {"enum": [spelling for one in rule.argument for spelling in _spellings(kind, one)]}


def _landed(contract: Contract, name: str, description: str) -> Schema:
    source = contract.source
    absent: list[str | None] = [*source.null_values, *([] if source.format == TEXTUAL else [None])]
    readers = [column for column in contract.columns if column.source == name and column.expression is None]
    wanted = [text for column in readers if column.logical_type == "string" and (text := _text_rules(contract, column))]
    schema: Schema = {"description": " ".join(filter(None, [description, *map(_read_as, readers)]))}
    if source.format == TEXTUAL:
        schema["type"] = "string"
    nothing: Schema = {"enum": absent}
    if any(column.required for column in readers):
        schema |= {"allOf": wanted} if wanted else {}
        schema |= {"not": nothing} if absent else {}
    elif wanted:
        schema |= {"anyOf": [nothing, {"allOf": wanted}]} if absent else {"allOf": wanted}
    return schema


def _text_rules(contract: Contract, column: Column) -> Schema:
    found: Schema = {}
    for rule in contract.rules:
        if rule.column == column.name and rule.kind in (Kind.LENGTH, Kind.PATTERN, Kind.ENUM):
            found |= _text_rule(rule, pa.string())
    return found


def _read_as(column: Column) -> str:
    how = f", spelled {java_pattern(column.format)}" if column.format else ""
    return f"Read as {column.logical_type}{how}: {column.name}."
