"""What a lake calls the things that a code location has once: sensors, jobs, the maintenance asset. Datasets have names of their own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Naming:
    """A lake that is alone in its code location calls things as they are; one that has others beside it puts its own name before."""

    lake: str = ""

    @property
    def is_alone(self) -> bool:
        """Whether the code location is the lake's own: then its executor and its IO manager are that of the location."""
        return not self.lake

    def of(self, name: str) -> str:
        """The name of a sensor, job, schedule, step or resource."""
        return f"{self.lake}_{name}" if self.lake else name


ALONE = Naming()
