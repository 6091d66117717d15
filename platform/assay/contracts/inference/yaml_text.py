"""How a draft spells values and comments in YAML, each in one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.contracts.inference.guesses import Guess

PLAIN = re.compile(r"[A-Za-z][\w .,/+()@'*{}-]*", re.ASCII)
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")


def scalar(value: Any) -> str:  # noqa: ANN401  # whatever YAML holds in one line
    """A value as YAML spells it in one line: quoted if it would be read as anything else."""
    import yaml

    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, float):
        spelled = repr(value)
        return spelled if isinstance(yaml.safe_load(spelled), float) else f"{value:.20f}".rstrip("0")
    text = str(value)
    if PLAIN.fullmatch(text) and " #" not in text and text.strip() == text and yaml.safe_load(f"_: {text}") == {"_": text}:
        return text
    return str(yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)).rstrip("\n")


def inline(value: Any) -> str:  # noqa: ANN401  # a mapping, a list or a scalar
    """A value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    text = scalar(value)
    return text if text.startswith('"') or not set(text) & set(",[]{}") else f'"{text}"'


def in_a_comment(text: str) -> str:
    """A text without what would end a comment or hide itself."""
    return UNSAFE.sub(" ", text)


def because(guess: Guess | str | None) -> str:
    """The comment that says why something was guessed; none without a reason."""
    reason = guess if isinstance(guess, str) or guess is None else guess.reason
    return f"  # guess: {in_a_comment(reason)}" if reason else ""
