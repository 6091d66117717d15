"""The standard's own JSON Schema: which fields it knows at each place, and which values they may have.

Unknown fields are looked for here and not by `jsonschema`, whose `unevaluatedProperties` costs more than all the rest and cannot say what
was meant. Everything else that the schema says is checked by `jsonschema`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from assay.contracts.language.names import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema.exceptions import ValidationError

    from assay.contracts.documents.document import Document, Finding, Place

CLOSING = ("additionalProperties", "unevaluatedProperties")
LONGEST_VALUE = 80


def standard_faults(document: Document) -> Iterator[Finding]:
    """Everything in which a document breaks the standard. The places whose values have another shape are added to `document.broken`."""
    yield from _unknown_fields(document, document.body, [_schema()], ())
    for error in _validator().iter_errors(document.body):
        place = tuple(error.absolute_path)
        if error.validator == "oneOf" and len(place) > 1 and place[-2] == "quality":
            continue  # which operator is missing is said by `reading/quality.py`, in fewer words
        document.broken.add(place)
        yield _complaint(document, error)


def schema_text() -> str:
    """The standard's schema, as its package has it."""
    from importlib.resources import files

    return files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_text())
    return schema


@cache
def _validator() -> Any:  # noqa: ANN401  # jsonschema is imported where it is used
    from jsonschema import validators

    schema, extended = _opened(_schema()), cast("Any", validators.extend)
    return extended(validators.validator_for(schema), {"uniqueItems": _unique_items})(schema)


def _unique_items(validator: Any, asked: Any, items: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401, ARG001  # see above
    """The library compares each object with each other one: a long `enum` has no answer within the hour."""
    from jsonschema.exceptions import ValidationError

    seen = set[object]()
    for item in items if asked and isinstance(items, list) else ():
        if (known := _hashable(item)) in seen:
            yield ValidationError(f"{item!r} stands there twice")
            return
        seen.add(known)


def _hashable(value: object) -> object:
    """A value that is equal to another one's if JSON Schema calls them equal: 1 is 1.0, and no truth value."""
    if isinstance(value, dict):
        return frozenset((key, _hashable(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return tuple(_hashable(one) for one in value)
    return (bool, value) if isinstance(value, bool) else value


def _opened(schema: Any) -> Any:  # noqa: ANN401  # any piece of a JSON Schema
    """The schema without what closes it to unknown fields."""
    if isinstance(schema, list):
        return [_opened(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _opened(value) for key, value in schema.items() if not (key in CLOSING and value is False)}


def _complaint(document: Document, error: ValidationError) -> Finding:
    from jsonschema.exceptions import best_match

    if error.context:
        error = best_match([error]) or error
    place, shown = tuple(error.absolute_path), repr(error.instance)
    wanted: Any = error.validator_value
    instance: Any = error.instance
    if isinstance(error.instance, dict | list) or len(shown) > LONGEST_VALUE:
        shown = f"this {type(error.instance).__name__}"
    if error.validator == "enum":
        return document.finding(f"{shown} is not a value of the standard", place, suggest(error.instance, map(str, wanted)))
    if error.validator == "required":
        lacking = next(name for name in wanted if name not in instance)
        return document.finding(f"{lacking} is missing", place)
    if error.validator == "type":
        return document.finding(f"{shown} is not of type {wanted!r}", place)
    said = error.message if len(error.message) <= 2 * LONGEST_VALUE else f"{shown} breaks the standard's {error.validator}"
    return document.finding(said.rstrip("."), place)


def _unknown_fields(document: Document, node: object, schemas: list[Mapping[str, Any]], place: Place) -> Iterator[Finding]:
    if isinstance(node, list):
        for number, item in enumerate(node):
            items = [schema["items"] for schema in _flat(schemas, node) if isinstance(schema.get("items"), dict)]
            yield from _unknown_fields(document, item, items, (*place, number))
    if not isinstance(node, dict):
        return
    known: dict[str, list[Mapping[str, Any]]] = {}
    for schema in _flat(schemas, node):
        for name, inner in schema.get("properties", {}).items():
            known.setdefault(name, []).append(inner)
    for name, value in node.items():
        if name in known:
            yield from _unknown_fields(document, value, known[name], (*place, name))
        elif known:  # an object of which the standard says nothing may hold anything
            yield document.finding(f"the standard knows no field {name!r} here", (*place, name), suggest(name, known))


def _flat(schemas: list[Mapping[str, Any]], node: object) -> Iterator[Mapping[str, Any]]:
    """The schemas that say something about a node: references followed, conditions decided, alternatives side by side."""
    waiting = list(schemas)
    while waiting:
        schema = waiting.pop()
        if "$ref" in schema:
            waiting.append(_referred(schema["$ref"]))
        for word in ("allOf", "anyOf", "oneOf"):
            waiting += schema.get(word, [])
        if "if" in schema:
            branch = "then" if _applies(schema["if"], node) else "else"
            waiting += [schema[branch]] if branch in schema else []
        if schema.get("type") not in {"object", "array"} or isinstance(node, dict if schema["type"] == "object" else list):
            yield schema


@cache
def _referred(reference: str) -> Mapping[str, Any]:
    found: Any = _schema()
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def _applies(condition: Mapping[str, Any], node: object) -> bool:
    """Whether a condition of the schema holds: its conditions look at constants and at which fields are there, nothing else."""
    if not isinstance(node, dict):
        return True
    if any(name not in node for name in condition.get("required", [])):
        return False
    if "anyOf" in condition and not any(_applies(one, node) for one in condition["anyOf"]):
        return False
    consts = [(name, inner["const"]) for name, inner in condition.get("properties", {}).items() if "const" in inner]
    return all(name not in node or node[name] == const for name, const in consts)
