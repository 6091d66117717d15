"""What the arrival sensor has asked for, and what became of it: the runs themselves say, the cursor only knows which they are.

A request is known by a number that its run carries as a tag. Work is left alone while its run is unfinished, and after it failed for good
until something that decides it changes. What ended in any other way and is still due is asked for again, with pauses that grow. A request
whose run is gone was never made.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import dagster as dg

from assay.lake.publisher import fingerprint
from assay.orchestration.partition_status import UNFINISHED, none_ended_badly
from assay.orchestration.reporting import failed_for_good

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from assay.orchestration.backfill import Request
    from assay.orchestration.due import Due

    Work = dict[str, dict[str, int]]

REQUEST_TAG = "assay/request"
LONGEST_PAUSE = 128  # looks of the sensor: about an hour


@dataclass(slots=True)
class Asked:
    """One request: the fingerprints to make, by asset and partition, and, once its run has ended, how.

    `times` counts how often in a row the same was asked for; `pause` is how many looks are left before it is asked for again. Of the assets
    of `alone` each partition failed for good by itself, those of `together` failed as a whole.
    """

    work: Work
    times: int = 1
    ended: bool = False
    pause: int = 0
    alone: list[str] = field(default_factory=list)
    together: list[str] = field(default_factory=list)

    def end(self, run: dg.DagsterRun, instance: dg.DagsterInstance) -> None:
        """Note how its run has ended."""
        self.ended, self.pause = True, min(2**self.times, LONGEST_PAUSE)
        if run.status is dg.DagsterRunStatus.FAILURE:
            for asset, alone in failed_for_good(instance, run.run_id).items():
                (self.alone if alone else self.together).append(asset)

    def holds_back(self, asset: str, partition: str, value: int) -> bool:
        """Whether what would be made of a partition now must not be asked for, because it is being made or would fail again, or not yet."""
        if partition not in self.work.get(asset, {}):
            return False
        if not self.ended:
            return True
        same = self.work[asset][partition] == value
        return same and (asset in self.alone or asset in self.together or self.pause > 0)

    def keep(self, asset: str, due: Due) -> None:
        """Forget what of an asset is not due any more as it was; where it failed as a whole, all that failed with it is then forgotten."""
        before = self.work.get(asset, {})
        left = {key: value for key, value in before.items() if due.fingerprints.get(key) == value}
        if not self.ended or left == before:
            return
        self.work[asset] = left
        if asset in self.together:
            self.work, self.together = {name: work for name, work in self.work.items() if name not in self.together}, []


@dataclass(slots=True)
class Memory:
    """The requests whose work is still due, by number, how many times the sensor has asked, and what it saw of each dataset's files.

    `calm` marks the failed runs after which it found nothing that is shown as failed.
    """

    asked: dict[str, Asked] = field(default_factory=dict)
    turns: int = 0
    observed: dict[str, int] = field(default_factory=dict)
    calm: str = ""

    @classmethod
    def load(cls, cursor: str | None) -> Memory:
        """Read a cursor; what an older version wrote is as none."""
        content = json.loads(cursor) if cursor else {}
        if "calm" not in content:
            return cls()
        return cls(
            {number: Asked(**asked) for number, asked in content["asked"].items()}, content["turns"], content["observed"], content["calm"]
        )

    def dump(self) -> str:
        """Write a cursor."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def observes(self, dataset: str, files: Sequence[str]) -> bool:
        """Whether the landing files of a dataset are others, or fare otherwise, than at the last look; none at first are no news."""
        before, seen = self.observed.get(dataset), fingerprint(files) if files else 0
        self.observed[dataset] = seen
        return seen != (before or 0)

    def look(self, instance: dg.DagsterInstance) -> None:
        """Learn from the instance what became of the runs; requests whose run was deleted, or never made, are forgotten."""
        runs = instance.get_runs(dg.RunsFilter(tags={REQUEST_TAG: list(self.asked)})) if self.asked else []
        newest = {run.tags[REQUEST_TAG]: run for run in reversed(runs)}  # a run that was tried again has the tags of the first
        self.asked = {number: asked for number, asked in self.asked.items() if number in newest}
        for number, asked in self.asked.items():
            if newest[number].status in UNFINISHED:
                asked.ended, asked.alone, asked.together = False, [], []
            elif not asked.ended:
                asked.end(newest[number], instance)
            elif asked.pause:
                asked.pause -= 1

    def is_calm(self, ends: str) -> bool:
        """Whether no run has ended badly, or was deleted, since nothing was shown as failed; then that is marked by `ends` from now on."""
        if calm := none_ended_badly(self.calm, ends):
            self.calm = ends
        return calm

    def open(self, due: Sequence[Due]) -> list[Due]:
        """What of the work of a stage is to be asked for now. What is not due any more as it was is forgotten before."""
        for one in due:
            for asked in self.asked.values():
                asked.keep(one.key.to_user_string(), one)
        self.asked = {number: asked for number, asked in self.asked.items() if any(asked.work.values())}
        return [self._free(one) for one in due]

    def _free(self, due: Due) -> Due:
        name = due.key.to_user_string()
        held = [asked for asked in self.asked.values() if name in asked.work]
        free = {key: value for key, value in due.fingerprints.items() if not any(one.holds_back(name, key, value) for one in held)}
        return replace(due, fingerprints=free if not due.at_once or len(free) == len(due.fingerprints) else {})

    def ask(self, wanted: Sequence[Request], due: Iterable[Due]) -> Iterator[tuple[Request, str]]:
        """Number some requests and remember them. A tick that is evaluated again, because the daemon died, gives the same numbers."""
        self.turns += 1
        values = {one.key: one for one in due}
        for request in wanted:
            work = {key.to_user_string(): dict(values[key].between(request.first, request.last)) for key in request.keys}
            number = str(fingerprint(self.turns, work))
            self.asked[number] = Asked(work, self._times(work))
            yield request, number

    def _times(self, work: Work) -> int:
        """One more than those before who asked for any of it; these are then forgotten."""
        before = [asked for asked in self.asked.values() if asked.ended]
        times = 1
        for asked in before:
            for name, values in work.items():
                shared = [key for key, value in asked.work.get(name, {}).items() if values.get(key) == value]
                times = max(times, asked.times + 1) if shared else times
                for key in shared:
                    del asked.work[name][key]
        return times

    def unfinished(self, keys: Iterable[dg.AssetKey]) -> bool:
        """Whether a run that was asked for is still to make any of these assets."""
        names = {key.to_user_string() for key in keys}
        return any(not asked.ended and names & asked.work.keys() for asked in self.asked.values())

    def counts(self) -> tuple[int, int]:
        """How many partitions failed for good and wait for a change, and how many wait before they are asked for again."""
        ended = [asked for asked in self.asked.values() if asked.ended]
        final = sum(len(work) for asked in ended for name, work in asked.work.items() if name in (*asked.alone, *asked.together))
        return final, sum(len(work) for asked in ended for work in asked.work.values()) - final
