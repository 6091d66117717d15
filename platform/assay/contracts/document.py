"""A YAML document that knows its lines, so that every complaint about it can name one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """The body of a YAML file and its text."""

    path: Path
    body: dict[str, Any]
    text: str

    @classmethod
    def load(cls, path: Path) -> Document:
        """Read a file. Raises ContractInvalid with the line if it is no YAML mapping."""
        text = path.read_text(encoding="utf-8")
        try:
            body = yaml.load(text, Loader=LOADER)  # noqa: S506  # LOADER is a safe loader, written in C where there is one
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise ContractInvalid(f"{path}:{line}: not YAML: {getattr(error, 'problem', error)}.") from error
        if not isinstance(body, dict):
            raise ContractInvalid(f"{path}:1: expected a mapping, found {type(body).__name__}.")
        return cls(path, body, text)

    def at(self, complaint: str, word: str) -> str:
        """A complaint with the line of the first key or value `word`."""
        line = next((number for number, text in enumerate(self.text.splitlines(), 1) if word in text), 1)
        return f"{self.path}:{line}: {complaint}."

    def at_path(self, complaint: str, path: Sequence[str | int]) -> str:
        """A complaint with the line of the node at `path`, found by walking the parsed tree with its marks."""
        node: Any = yaml.compose(self.text, Loader=LOADER)
        for step in path:
            node = self._child(node, step) or node
        where = "/".join(map(str, path))
        return f"{self.path}:{node.start_mark.line + 1}: {where or 'the document'}: {complaint}."

    @staticmethod
    def _child(node: Any, step: str | int) -> Any:  # noqa: ANN401  # PyYAML's nodes have no types
        if isinstance(step, int):
            return node.value[step] if isinstance(node, yaml.SequenceNode) else None
        return next((value for key, value in node.value if key.value == step), None) if isinstance(node, yaml.MappingNode) else None
