"""A YAML document that knows its lines, so that every complaint about it can name one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from pathlib import Path

BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C where there is one
TIMESTAMP = "tag:yaml.org,2002:timestamp"
# dates stay text: one that does not exist is then found where it is read, and its line can be named
RESOLVERS = {first: [pair for pair in pairs if pair[0] != TIMESTAMP] for first, pairs in BASE.yaml_implicit_resolvers.items()}
LOADER: Any = type("Loader", (BASE,), {"yaml_implicit_resolvers": RESOLVERS})
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The body of a YAML file and its text. A place is the way to a node: keys and list positions from the top."""

    path: Path
    body: dict[str, Any]
    text: str

    @classmethod
    def load(cls, path: Path) -> Document:
        """Read a file. Raises ContractInvalid with the line if it is no YAML mapping, or names a key twice."""
        try:
            text = path.read_text(encoding="utf-8")
            if twice := _key_named_twice(yaml.compose(text, Loader=LOADER)):
                raise ContractInvalid(f"{path}:{twice.start_mark.line + 1}: {twice.value!r} is named twice.")
            body = yaml.load(text, Loader=LOADER)  # noqa: S506  # LOADER is a safe loader
        except UnicodeDecodeError as error:
            raise ContractInvalid(f"{path}:1: not UTF-8: {error.reason}.") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise ContractInvalid(f"{path}:{line}: not YAML: {getattr(error, 'problem', error)}.") from error
        if not isinstance(body, dict):
            raise ContractInvalid(f"{path}:1: expected a mapping, found {type(body).__name__}.")
        return cls(path, body, text)

    def fault(self, complaint: str, place: Place, hint: str | None = None) -> ContractInvalid:
        """The error that says what is wrong at a place, or where that place should be."""
        node: Any = yaml.compose(self.text, Loader=LOADER)
        line = 1
        for step in place:
            found = _child(node, step)
            if found is None:
                break
            node, line = found[1], found[0].start_mark.line + 1
        where = "/".join(map(str, place)) or "the document"
        return ContractInvalid(f"{self.path}:{line}: {where}: {complaint}.", hint=hint)


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:  # noqa: ANN401  # PyYAML's nodes have no types
    """The node that names a step (its key, or the entry itself) and the node that it leads to."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return (node.value[step], node.value[step]) if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    return None


def _key_named_twice(node: Any) -> Any:  # noqa: ANN401  # PyYAML's nodes have no types
    """The first key that its mapping has already: YAML's loader would quietly take the last value."""
    if isinstance(node, yaml.SequenceNode):
        return next((twice for child in node.value if (twice := _key_named_twice(child))), None)
    if not isinstance(node, yaml.MappingNode):
        return None
    seen = set[str]()
    for key, value in node.value:
        if key.value in seen:
            return key
        seen.add(key.value)
        if twice := _key_named_twice(value):
            return twice
    return None
