"""Settling: a key that counts in the whole table is published by one partition, that of its last good arrival, and by no other.

A build of some partitions takes in those that gain or lose a row by it, and publishes them all in one commit. A partition that is refused
keeps what it has published: no other takes a key from it, and its new rows take none from others (decision 28).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.lake.claims import CLAIMED, DISPLACED, DISPLACED_NOW, FENCE, KEY, PLACE, Keyed, Standing, claimed_token, claims_table
from assay.lake.claims import COLUMNS as CLAIM
from assay.lake.claims import displaced_digest as digest_of
from assay.lake.claims import with_displaced as fingerprint_with
from assay.lake.publisher import current_tokens, fingerprint
from assay.lake.quarantine.store import PARTITION
from assay.lake.side_tables import publications_of
from assay.lake.slices import Partition, Slice
from assay.refine.claims import LOCKED, key_meaning, published_keys, with_displaced
from assay.refine.work import Work
from assay.steps import Outcome, Run, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from assay.lake.quarantine.rejected import Rejected
    from assay.lake.staged import Staging
    from assay.refine.inputs import Inputs
    from assay.refine.kernel import Refined
    from assay.refine.tally import Tally
    from assay.refine.work import Chunk

    Build = Callable[[Sequence[Partition], pl.DataFrame | None], Iterator[tuple[Slice, Refined]]]


def settle(
    run: Run,
    inputs: Inputs,
    slice_: Slice,
    due: Iterable[Partition],
    build: Build,
    *,
    insisted: Collection[str],
    others: Mapping[str, int] | None = None,
) -> Iterator[Outcome]:
    """Build the partitions that are due and those that exchange rows with them. Yields an outcome for each of the slice, and for each other
    that was published or refused. With `others` the table is replaced whole (see `Work`): what is published claims nothing.

    Those that are `insisted` on are published although they are made from the same as before. Raises Superseded when anybody has published
    a partition of the table since the inputs were pinned.
    """
    contract, before, meaning = inputs.contract, inputs.published, key_meaning(inputs.contract, inputs.masks)
    building = {partition.key: partition for partition in due}
    if not building:
        yield from (Outcome(key, Status.UNCHANGED) for key in slice_.keys)
        return
    keyed = Keyed([str(contract.partitioning.column), *contract.key], lambda rows: published_keys(rows, contract))
    standing = Standing.read(run.lake, contract.dataset, before, meaning, keyed)
    if others is not None:
        standing = Standing(standing.rows.clear(), frozenset(), frozenset(), standing.fence)
    rounds = Rounds(standing, Work(run, inputs, {}, None), build, building)
    rounds.add(standing.unknown)
    rounds.settle()
    current = current_tokens(before, [*rounds.built])
    wanted = {key: fingerprint_with(inputs.made_from(rounds.building[key]), one.displaced) for key, one in rounds.built.items()}
    insisted = set(rounds.built) if others is not None else {*insisted, *standing.contradicted}
    changed = [key for key in sorted(rounds.built) if key in rounds.refused or wanted[key] != current[key] or key in insisted]
    for key in rounds.built.keys() - {*changed}:
        rounds.built[key].discard()
    yield from (Outcome(key, Status.UNCHANGED) for key in slice_.keys if key not in changed)
    if changed:
        work = SettledWork(run, inputs, wanted, others, rounds, meaning)
        yield from work.publish([rounds.built[key].chunk for key in changed])


@dataclass(frozen=True, slots=True)
class Built:
    """A partition as it would be published: its claims, and a number for those that it was built without."""

    chunk: Chunk
    claims: pl.DataFrame
    displaced: int

    @property
    def is_refused(self) -> bool:
        """Whether its contract forbids to publish it so."""
        return bool(self.chunk.refusals)

    def discard(self) -> None:
        """Remove what was staged."""
        if self.chunk.staging:
            self.chunk.staging.discard()


@dataclass
class Rounds:
    """Partitions are built by what is known of the others, until what all of them claim says that each was built right.

    A round can bring in partitions that are published, and find that one is refused; neither is taken back, so there is a last round.
    """

    standing: Standing
    work: Work
    build: Build
    building: dict[str, Partition]
    built: dict[str, Built] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def add(self, keys: Iterable[str]) -> None:
        """Take in published partitions."""
        self.building |= {key: Partition(key, (key,)) for key in sorted(keys) if key not in self.building}

    def settle(self) -> None:
        """Build until nothing changes any more: then `built` has every partition of `building`."""
        claims, stale = self.standing.rows.with_columns(_false(LOCKED)), list(self.building)
        while stale:
            self._build(stale, claims)
            digests = _digests(self.judged())
            self.refused |= {key for key, one in self.built.items() if one.is_refused and one.displaced == digests.get(key, 0)}
            claims = self.judged()
            self.add(self._touched(claims))
            digests = _digests(claims)
            right = {key for key, one in self.built.items() if key in self.refused or one.displaced == digests.get(key, 0)}
            stale = [key for key in self.building if key not in right]

    def judged(self, *, by_arrival: bool = False) -> pl.DataFrame:
        """All claims to the keys that are at stake, as they would be once all is published.

        `by_arrival` leaves out that refused partitions keep what they have.
        """
        return with_displaced(self._claims(by_arrival=by_arrival), self.work.contract)

    def _claims(self, *, by_arrival: bool) -> pl.DataFrame:
        """The same with LOCKED; DISPLACED is what holds now of those that are not built."""
        import polars as pl

        made = [one.claims for key, one in self.built.items() if key not in self.refused]
        new = pl.concat(made) if made else self.standing.rows.clear()
        standing, mine = self.standing.rows, pl.col(PARTITION).is_in([*self.building])
        keys = pl.concat([new[KEY], standing.filter(mine)[KEY]]).unique()
        replaced, refused = pl.col(PARTITION).is_in([*(self.built.keys() - self.refused)]), pl.col(PARTITION).is_in([*self.refused])
        old = standing.filter(~replaced & pl.col(KEY).is_in(keys.implode()))
        if by_arrival:
            return pl.concat([new, old]).with_columns(_false(LOCKED))
        return pl.concat(
            [
                new.with_columns(_false(LOCKED)),
                old.filter(~(refused & pl.col(DISPLACED))).with_columns(pl.col(PARTITION).is_in([*self.refused]).alias(LOCKED)),
            ]
        )

    def _touched(self, claims: pl.DataFrame) -> set[str]:
        """The published partitions, not yet taken in, that would publish other rows than they do."""
        import polars as pl

        others = claims.filter(~pl.col(PARTITION).is_in([*self.building]))
        was = self.standing.rows.select(PARTITION, *PLACE, pl.col(DISPLACED).alias("_was"))
        found = others.join(was, on=[PARTITION, *PLACE]).filter(pl.col(DISPLACED) != pl.col("_was"))
        return set(found[PARTITION].unique())

    def _build(self, keys: Sequence[str], claims: pl.DataFrame) -> None:
        """Build partitions without the rows that others publish by these claims."""
        import polars as pl

        without = claims.filter(pl.col(DISPLACED) & pl.col(PARTITION).is_in(keys))
        digests = _digests(without)
        for slice_, refined in self.build([self.building[key] for key in sorted(keys)], without.select(PARTITION, *PLACE)):
            assert refined.claims is not None  # noqa: S101  # the key counts in the whole table
            claimed = refined.claims.with_columns(_false(DISPLACED)).select(CLAIM).partition_by(PARTITION, as_dict=True)
            for key, chunk in self.work.stage(slice_, refined).split():
                if key in self.built:
                    self.built[key].discard()
                self.built[key] = Built(chunk, claimed.get((key,), self.standing.rows.clear()), digests.get(key, 0))


def _digests(claims: pl.DataFrame) -> dict[str, int]:
    """A number for the displaced rows of each partition that has some."""
    import polars as pl

    lost = claims.filter(pl.col(DISPLACED)).partition_by(PARTITION, as_dict=True)
    return {str(key): digest_of(rows) for (key,), rows in lost.items()}


def _false(name: str) -> pl.Expr:
    import polars as pl

    return pl.lit(value=False).alias(name)


@dataclass(frozen=True)
class SettledWork(Work):
    """Work whose partitions are published in one commit, with their claims, if no other partition was published meanwhile."""

    rounds: Rounds
    meaning: int

    def _publish(self, staging: Staging, rejected: Rejected, tallies: Mapping[str, Tally]) -> int:
        import polars as pl

        keys, table, why = staging.slice.keys, claims_table(self.run.lake, self.contract.dataset), self._provenance({})
        claims = self.rounds.judged().filter(pl.col(PARTITION).is_in(keys)).select(CLAIM)
        named = publications_of(self.inputs.published, keys)
        outdated = table.store(table.stage(claims, dict.fromkeys(keys, staging.publication)), named, why)
        version = super()._publish(staging, rejected, tallies)
        table.clear(outdated, why)
        return version

    def _held_together(self, staging: Staging) -> tuple[Mapping[str, int], Mapping[str, int | None]]:
        """The log says of each partition that its claims are there, and what it should be without: more than it is, if one was refused."""
        digests = _digests(self.rounds.judged(by_arrival=True))
        tokens = {FENCE: fingerprint(uuid.uuid4().hex)}
        for key in staging.slice.keys:
            tokens |= {CLAIMED + key: claimed_token(self.meaning, staging.publication), DISPLACED_NOW + key: digests.get(key, 0)}
        return tokens, {FENCE: self.rounds.standing.fence}
