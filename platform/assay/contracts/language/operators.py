"""The comparisons of ODCS: what a measured value must be, as a test and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Operator:
    """A comparison of a measured value with a bound; `words` has the place of the bound. `pair`: the bound is two numbers."""

    holds: Callable[[float, Any], bool]
    words: str
    pair: bool = False

    def said(self, bound: Any) -> str:  # noqa: ANN401  # a number, or a pair of them
        """The comparison in words, such as `more than 0`."""
        return self.words.format(*([f"{one:g}" for one in bound] if self.pair else [f"{bound:g}"]))


# the standard says that mustBeBetween is mustBeGreaterThan and mustBeLessThan: the bounds themselves are outside
OPERATORS: Mapping[str, Operator] = {
    "mustBe": Operator(lambda value, bound: value == bound, "exactly {}"),
    "mustNotBe": Operator(lambda value, bound: value != bound, "anything but {}"),
    "mustBeGreaterThan": Operator(lambda value, bound: value > bound, "more than {}"),
    "mustBeGreaterOrEqualTo": Operator(lambda value, bound: value >= bound, "at least {}"),
    "mustBeLessThan": Operator(lambda value, bound: value < bound, "less than {}"),
    "mustBeLessOrEqualTo": Operator(lambda value, bound: value <= bound, "at most {}"),
    "mustBeBetween": Operator(lambda value, bound: bound[0] < value < bound[1], "more than {} and less than {}", pair=True),
    "mustNotBeBetween": Operator(lambda value, bound: not bound[0] < value < bound[1], "at most {} or at least {}", pair=True),
}
