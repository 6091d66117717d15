"""What changed between two versions of a contract, which readers it breaks, and whether the declared version says so.

Pure: two `Contract` values in, a `Comparison` out. `CONTRACT` names for every field who compares it; a field that nobody compares is
reported as breaking. Reading contracts is `reading`; what breaks downstream is `gold/lineage.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from assay.contracts.compatibility.bumps import complaint
from assay.contracts.compatibility.change import Change, unclassified
from assay.contracts.compatibility.columns import column_changes
from assay.contracts.compatibility.gold import consumer_changes, event_column_changes, reach_changes
from assay.contracts.compatibility.kinds import Bump, Compatibility
from assay.contracts.compatibility.landing import landing_changes
from assay.contracts.compatibility.lifecycle import freshness_changes, grain_changes, life_changes, schedule_changes, status_changes
from assay.contracts.compatibility.renames import after_renames
from assay.contracts.compatibility.rules import completeness, dataset_rule_changes, rule_changes
from assay.contracts.compatibility.time import arrival_changes, current_changes, event_time_changes, lateness_changes, partitioning_changes
from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.model.contract import Contract, Published
from assay.contracts.model.gold_contract import GoldContract
from assay.contracts.model.key_scope import has_table_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    Comparer = Callable[[Any, Any], Iterator[Change]]

RETIRED = "retired"
P = TypeVar("P", bound=Published)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The changes of one dataset. A version is None where the dataset does not exist on that side; `old_dataset` is its former name."""

    dataset: str
    old_version: str | None
    new_version: str | None
    changes: tuple[Change, ...]
    retired: bool = False
    old_dataset: str = ""
    layer: str = "silver"

    @property
    def required(self) -> Bump:
        """The bump that the greatest of the changes needs."""
        return max((change.verdict.bump for change in self.changes), default=Bump.NONE)

    @property
    def compatibility(self) -> Compatibility:
        """What all changes together leave to readers."""
        verdicts = [change.verdict for change in self.changes]
        return Compatibility.of(backward=all(v.backward for v in verdicts), forward=all(v.forward for v in verdicts))

    @property
    def complaint(self) -> str | None:
        """Why the declared version is not enough; None if it is. A new dataset may begin with any version."""
        if self.old_version is None:
            return None
        if self.new_version is None:
            return (
                None
                if self.retired
                else "a dataset goes only after its end was announced and has come (status retired, endOfLife, deprecated until)"
            )
        return complaint(self.old_version, self.new_version, self.required)


def compare(old: P, new: P, today: date | None = None) -> Comparison:
    """Compare two versions of one contract. `today` decides whether a deprecated column was removed before its day."""
    table = FIELDS[type(old)]
    changes = [*_dataset(old, new), *column_changes(old, new, today)]
    before = after_renames(old, {change.old: change.new for change in changes if change.kind == "column_renamed"})
    for how in dict.fromkeys(how for how in table.values() if not isinstance(how, str)):
        changes += how(before, new)
    changes += unclassified(old, new, table, "contract")
    if not changes and old.version == new.version and old.digest != new.digest:
        changes.append(Change("reworded", "fields that are for people"))
    return Comparison(new.dataset, old.version, new.version, tuple(changes), old_dataset=old.dataset, layer=new.layer)


def compare_all(old: Mapping[str, Any], new: Mapping[str, Any], today: date | None = None) -> list[Comparison]:
    """Compare the contracts of two folders, by dataset. Only what changed is listed; a dataset with another name is found by its twin.

    What landed and is now computed, or the other way round, has gone and come.
    """
    old, new = _apart(old, new), _apart(new, old)
    renamed = dict(_renamed([old[name] for name in old if name not in new], [new[name] for name in new if name not in old]))
    found = [compare(contract, new[renamed.get(name, name)], today) for name, contract in old.items() if renamed.get(name, name) in new]
    for name, contract in old.items():
        if name not in new and name not in renamed:
            change = Change("dataset_removed", "dataset", name, None)
            found.append(Comparison(name, contract.version, None, (change,), retired=_has_ended(contract, today), layer=contract.layer))
    for name, contract in new.items():
        if name not in old and name not in renamed.values():
            found.append(Comparison(name, None, contract.version, (Change("dataset_added", "dataset", None, name),), layer=contract.layer))
    return sorted((one for one in found if one.changes or one.complaint), key=lambda one: one.dataset)


def _apart(contracts: Mapping[str, Any], others: Mapping[str, Any]) -> Mapping[str, Any]:
    """The contracts by name, with another name for one that is of another kind than its namesake."""
    kinds = {name: type(other) for name, other in others.items()}
    return {name if kinds.get(name, type(one)) is type(one) else f"{name} ({type(one).__name__})": one for name, one in contracts.items()}


def _has_ended(contract: Published, today: date | None) -> bool:
    """Whether its readers were told that it goes, and the day has come."""
    days = [contract.lifecycle.end_of_life, contract.deprecated.until if contract.deprecated else None]
    return contract.status == RETIRED or any(today is not None and day is not None and day <= today for day in days)


def _renamed(removed: list[Published], added: list[Published]) -> Iterator[tuple[str, str]]:
    """Pairs of a removed and an added dataset with the same columns of the same types."""
    free = list(added)
    for contract in removed:
        twin = next((other for other in free if type(other) is type(contract) and _shape(other) == _shape(contract)), None)
        if twin is not None:
            free.remove(twin)
            yield contract.dataset, twin.dataset


def _shape(contract: Published) -> list[tuple[str, str]]:
    return sorted((column.name, str(arrow_type(column))) for column in contract.columns)


def _dataset(old: Published, new: Published) -> Iterator[Change]:
    if old.dataset != new.dataset:
        yield Change("dataset_renamed", "dataset", old.dataset, new.dataset)


def _key(old: Published, new: Published) -> Iterator[Change]:
    if old.key != new.key:
        same = sorted(old.key) == sorted(new.key)
        yield Change("key_reordered" if same else "key_changed", "primary key", old.key, new.key)


def _key_scope(old: Contract, new: Contract) -> Iterator[Change]:
    """Among which rows a key names one. Said of a table with one partition, or of a key that holds the partition, it is only words."""
    before, after = has_table_key(old), has_table_key(new)
    if before != after:
        yield Change("key_scope_widened" if after else "key_scope_narrowed", "keyScope", old.key_scope, new.key_scope)
    elif old.key_scope != new.key_scope:
        yield Change("reworded", "keyScope", old.key_scope, new.key_scope)


def _words(old: Published, new: Published) -> Iterator[Change]:
    for name in ("description", "domain"):
        if getattr(old, name) != getattr(new, name):
            yield Change("reworded", name, getattr(old, name), getattr(new, name))
    for part in fields(old.about):  # all of it is words
        if getattr(old.about, part.name) != getattr(new.about, part.name):
            yield Change("reworded", part.name, getattr(old.about, part.name), getattr(new.about, part.name))
    if old.owner != new.owner:
        yield Change("owner_changed", "owner", old.owner, new.owner)


def _transform(old: Contract, new: Contract) -> Iterator[Change]:
    if old.transform != new.transform:
        yield Change("transform_changed", "transform", old.transform, new.transform)


PUBLISHED: Mapping[str, Comparer | str] = {
    "dataset": "compared first", "columns": "compared first", "key": _key, "version": "held against the changes",
    "status": status_changes, "domain": _words, "description": _words, "granularity": grain_changes, "owner": _words,
    "rules": rule_changes, "dataset_rules": dataset_rule_changes, "partitioning": partitioning_changes,
    "path": "where the file lies", "digest": "of all the rest", "freshness": freshness_changes, "freshness_column": freshness_changes,
    "retention": freshness_changes, "lifecycle": life_changes, "deprecated": life_changes, "about": _words,
}  # fmt: skip
CONTRACT: Mapping[str, Comparer | str] = {
    **PUBLISHED, "source": landing_changes, "arrival": arrival_changes, "lateness": lateness_changes, "include_current": current_changes,
    "event_time": event_time_changes, "key_scope": _key_scope, "transform": _transform, "rejected_share_below": completeness,
    "schedule": schedule_changes,
}  # fmt: skip
GOLD: Mapping[str, Comparer | str] = {
    **PUBLISHED, "event_column": event_column_changes, "lookback_days": reach_changes, "lookahead_days": reach_changes,
    "consumers": consumer_changes,
}  # fmt: skip
FIELDS: Mapping[type, Mapping[str, Comparer | str]] = {Contract: CONTRACT, GoldContract: GOLD}
