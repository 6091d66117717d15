"""A YAML document that knows its lines, so that every finding about it can name one.

Nothing here raises for what a file says: a file that cannot be read has no body, and `faults` say why.
"""

from __future__ import annotations

import errno
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from assay.contracts.language.bounds import MOST_BYTES, MOST_POWER, beyond_bounds
from assay.contracts.language.literals import Real
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C where there is one
TIMESTAMP = "tag:yaml.org,2002:timestamp"
# dates stay text: one that does not exist is then found where it is read, and its line can be named
RESOLVERS = {first: [pair for pair in pairs if pair[0] != TIMESTAMP] for first, pairs in BASE.yaml_implicit_resolvers.items()}
LOADER: Any = type("Loader", (BASE,), {"yaml_implicit_resolvers": RESOLVERS})


def _real(loader: Any, node: Any) -> float:  # noqa: ANN401  # PyYAML's have no types
    """A number with decimals, as it is written; `.inf`, `.nan` and minutes in base 60 have no digits to keep."""
    if (power := str(node.value).lower().partition("e")[2].lstrip("+-")) and (not power.isdigit() or int(power) > MOST_POWER):
        raise yaml.constructor.ConstructorError(None, None, f"a number with a power of ten beyond {MOST_POWER}", node.start_mark)
    text = str(node.value).replace("_", "")
    return Real(text) if text.strip("+-")[:2].strip(".").isdigit() and ":" not in text else float(loader.construct_yaml_float(node))


LOADER.add_constructor("tag:yaml.org,2002:float", _real)
# lists whose entries are judged one by one: a fault of one of them is no fault of what holds it
NESTED = ("customProperties", "properties", "quality", "relationships", "members", "servers", "schema", "slaProperties", "support")
Place = tuple[str | int, ...]
LONGEST = 600  # letters of a complaint, which may quote what is wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a contract: where, what, and what to do about it."""

    file: Path
    line: int
    complaint: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.complaint}. {self.hint}".rstrip()

    def error(self, more: int = 0) -> ContractInvalid:
        """The finding as an error; `more` others are only counted."""
        others = f"`assay contracts check` shows {more} more." if more else ""
        hint = " ".join(filter(None, (self.hint, others))) or None
        return ContractInvalid(f"{self.file}:{self.line}: {self.complaint}.", hint=hint)


@dataclass(frozen=True, slots=True)
class Document:
    """The body of a YAML file. A place is the way to a node: keys and list positions from the top.

    `text` is what the file holds.
    `broken` are the places whose value has another shape than the standard says; what looks into them would stumble.
    """

    path: Path
    body: dict[str, Any]
    node: Any = None
    faults: tuple[Finding, ...] = ()
    broken: set[Place] = field(default_factory=set)
    text: str = field(default="", repr=False)

    @classmethod
    def load(cls, path: Path) -> Document:
        """Read a file. What is no YAML mapping, or is beyond bounds, gives an empty body; a key that is named twice is a fault."""
        try:
            text = _text(path)
            if text is None:
                hint = "A contract is written by people: name what is large by its place, or make two contracts of it."
                return cls(path, {}, faults=(Finding(path, 1, f"it has more than {MOST_BYTES:,} bytes", hint),))
            if found := beyond_bounds(text, LOADER):
                return cls(path, {}, faults=(Finding(path, *found),))
            node, body = _read(text)
        except UnicodeDecodeError as error:
            return cls(path, {}, faults=(Finding(path, 1, f"not UTF-8: {error.reason}"),))
        except (ValueError, OverflowError) as error:  # of a tag such as !!int before what is none
            return cls(path, {}, faults=(Finding(path, 1, f"a value is not what its tag says: {str(error)[:LONGEST]}"),))
        except OSError as error:
            return cls(path, {}, faults=(Finding(path, 1, f"cannot be read: {error.strerror}"),))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            return cls(path, {}, faults=(Finding(path, mark.line + 1 if mark else 1, f"not YAML: {getattr(error, 'problem', error)}"),))
        if not isinstance(body, dict):
            return cls(path, {}, faults=(Finding(path, 1, f"expected a mapping, found {type(body).__name__}"),))
        if not body:
            return cls(path, {}, faults=(Finding(path, 1, "the mapping is empty"),))
        twice = tuple(Finding(path, key.start_mark.line + 1, f"{key.value!r} is named twice") for key in _named_twice(node))
        return cls(path, body, node, twice, text=text)

    def finding(self, complaint: str, place: Place, hint: str = "") -> Finding:
        """What is wrong at a place, with the line of the place, or of the nearest that exists."""
        node, line = self.node, 1
        for step in place:
            found = _child(node, step)
            if found is None:
                break
            node, line = found[1], found[0].start_mark.line + 1
        where = "/".join(map(str, place)) or "the document"
        complaint = complaint if len(complaint) <= LONGEST else f"{complaint[: LONGEST // 2]} .. {complaint[-LONGEST // 2 :]}"
        return Finding(self.path, line, f"{where}: {complaint}", hint)

    def at(self, place: Place) -> Any:  # noqa: ANN401  # whatever the file says
        """The value at a place; None if there is none, or one of another shape than the standard says."""
        node: Any = self.body
        for step in place:
            held = isinstance(node, dict) if isinstance(step, str) else isinstance(node, list) and step < len(node)
            if not held or (isinstance(step, str) and step not in node):
                return None
            node = node[step]
        return None if place in self.broken else node

    def entries(self, place: Place) -> Iterator[tuple[Mapping[str, Any], Place]]:
        """The mappings of a list and their places, without those that are broken; entries of lists within are judged by themselves."""
        found = self.at(place)
        for number, item in enumerate(found if isinstance(found, list) else []):
            here: Place = (*place, number)
            if isinstance(item, dict) and not any(self._breaks(one, here) for one in self.broken):
                yield item, here

    @staticmethod
    def _breaks(broken: Place, place: Place) -> bool:
        within = broken[len(place) :]
        return broken[: len(place)] == place and not (len(within) > 1 and within[0] in NESTED)


def _text(path: Path) -> str | None:
    """The text of a file; None if it is larger than a contract may be. A pipe would be waited for: it is none."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no file")
    with path.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    return None if len(content) > MOST_BYTES else content.decode()


def _read(text: str) -> tuple[Any, Any]:
    """The node of a YAML text, and what it means."""
    loader = LOADER(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:  # noqa: ANN401  # PyYAML's nodes have no types
    """The node that names a step (its key, or the entry itself) and the node that it leads to."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return (node.value[step], node.value[step]) if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    return None


def _named_twice(node: Any) -> Iterator[Any]:  # noqa: ANN401  # PyYAML's nodes have no types
    """The keys that their mapping has already: YAML's loader would quietly take the last value."""
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _named_twice(child)
    elif isinstance(node, yaml.MappingNode):
        seen = set[str]()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(str(key.value))
            yield from _named_twice(value)
