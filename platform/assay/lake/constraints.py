"""CHECK constraints of a table: what every writer of Delta is held to, in the table's own metadata.

The publisher checks none of them at a commit, and need not: it publishes rows that were judged by the rules that the constraints are made
of. So a constraint may stand only while the contract says it, and only if all rows of the table were judged by it. It is taken away before
rows are published that were not, and given back by `tighten` when no row of the table breaks it.

deltalake can neither create a table with constraints nor keep their text as it was: it rewrites it in DataFusion's dialect, which Spark
cannot read. So they are said here, in Delta's own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lake.log import beginning, commit, info, metadata_of, protocol_of, put

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    import pyarrow as pa
    from deltalake import DeltaTable

    from assay.lake.log import Action
    from assay.lake.slices import TableSpec
    from assay.lake.snapshots import Snapshot

PREFIX = "delta.constraints."
WRITER = 3  # the oldest writer that obeys constraints
LISTS_FEATURES = 7  # from here on a writer obeys what the protocol lists
FEATURE = "checkConstraints"


def constraints_of(table: DeltaTable) -> dict[str, str]:
    """The constraints of a table as it is now, by name."""
    configuration = table.metadata().configuration
    return {name.removeprefix(PREFIX): said for name, said in configuration.items() if name.startswith(PREFIX) and said is not None}


def lacks_constraints(table: DeltaTable, spec: TableSpec) -> bool:
    """Whether the spec says a constraint that the table does not have, in the same words, at the version that the handle shows."""
    found = constraints_of(table)
    return any(found.get(name) != text for name, text in spec.constraints or ())


def create_constrained(folder: Path, schema: pa.Schema, partition_by: list[str], wanted: Mapping[str, str]) -> bool:
    """Make an empty table that has its constraints, if any, from its first version. False when another writer was first."""
    first = beginning(schema, partition_by)
    return put(folder, 0, [constrained(action, wanted) for action in first] if wanted else first)


def keeps_only(table: DeltaTable, spec: TableSpec) -> bool:
    """Whether a table has no constraint that the spec does not say in the same words.

    If it has some they are taken away, by a commit of its own: False, for the table is another then, and has to be looked at again.
    """
    if spec.constraints is None:
        return True
    found, said = constraints_of(table), dict(spec.constraints)
    left = {name: text for name, text in found.items() if said.get(name) == text}
    if left == found:
        return True
    _set(table, left)
    return False


def tighten(table: Snapshot, spec: TableSpec, kept: Callable[[Snapshot, Collection[str]], AbstractSet[str]]) -> bool:
    """Give a table the constraints that it lacks and that `kept` finds to hold for each of its rows.

    Rows are looked at only when something is missing, and when the table has all columns. False when another writer was first: who
    publishes next tries again.
    """
    if not {*spec.schema.names} <= {*table.schema.names}:
        return True
    found, said = constraints_of(table.table), dict(spec.constraints or ())
    missing = said.keys() - found.keys()
    held = kept(table, missing) if missing else set[str]()
    return not held or _set(table.table, found | {name: said[name] for name in sorted(held)})


def _set(table: DeltaTable, wanted: Mapping[str, str]) -> bool:
    """Commit the constraints on top of the version that the handle shows."""
    current = metadata_of(table)["metaData"]
    current["configuration"] = {name: value for name, value in current["configuration"].items() if not name.startswith(PREFIX)}
    changed = (constrained(action, wanted) for action in (protocol_of(table), {"metaData": current}))
    return commit(table, [info("SET CONSTRAINTS"), *changed]) is not None


def constrained(action: Action, wanted: Mapping[str, str]) -> Action:
    """A protocol that asks writers to obey constraints, and metadata that have them; any other action as it is."""
    if "metaData" in action:
        configuration = action["metaData"]["configuration"] | {f"{PREFIX}{name}": said for name, said in wanted.items()}
        return {"metaData": action["metaData"] | {"configuration": configuration}}
    if "protocol" in action:
        said: Action = dict(action["protocol"])
        if said["minWriterVersion"] < LISTS_FEATURES:
            said["minWriterVersion"] = max(said["minWriterVersion"], WRITER)
        else:
            said["writerFeatures"] = sorted({*said.get("writerFeatures", []), FEATURE})
        return {"protocol": said}
    return action
