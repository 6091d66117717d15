"""What machines have done: steps that were not taken prove nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake_writers import Kind


@dataclass
class Counts:
    """What machines have done so far: rules by name, segments by the kind of point that they began at, writers by kind, and their ends."""

    rules: Counter[str] = field(default_factory=Counter)
    segments: Counter[Kind] = field(default_factory=Counter)
    writers: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    versions: int = 0
    lives: int = 0
    remembered: int = 0

    @property
    def steps(self) -> int:
        """A rule is a step, and so is each segment of a writer."""
        return self.rules.total() + self.segments.total()

    def add(self, other: Counts) -> None:
        """Add what others have done."""
        for name in ("rules", "segments", "writers", "ends"):
            getattr(self, name).update(getattr(other, name))
        self.versions += other.versions
        self.lives += other.lives
        self.remembered += other.remembered

    def told(self) -> str:
        """The counts as a person reads them."""
        named = {
            "rules": self.rules, "segments from": self.segments, "writers": self.writers, "ends": self.ends,
        }  # fmt: skip
        lines = [
            f"{self.steps} steps in {self.lives} lives; {self.versions} versions of tables were looked at, {self.remembered} plans remembered"
        ]
        return "\n".join(
            [*lines, *(f"{name}: {', '.join(f'{one} {n}' for one, n in found.most_common())}" for name, found in named.items())]
        )
