"""What is true of the lake at every moment, whoever has been stopped where; and what else is true once nobody is at work. By name.

Tables are read by the product's snapshots, as any reader does; what they must hold is the oracle's to say.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from lake_oracle import Cells, Place, gold_rows, judged, names
from lake_product import BY_MONTH, METERS, SALES

from assay.lake.manifest import manifest_of
from assay.lake.publisher import ATTEMPT_ID
from assay.lake.quarantine import ARRIVALS, visible_files
from assay.lake.snapshots import Snapshot, newest, open_snapshot, table_names
from assay.lake.staged import combine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lake_oracle import Landing
    from lake_world import World

PUBLISHED = ("bronze", "silver", "gold")
Notes = dict[str, Any]


@dataclass
class Watcher:
    """Looks at every version of every table once. `erased` are the people of whom there is a receipt, `leaving` those who were asked for."""

    world: World
    landings: Mapping[str, Landing]
    tokens: Mapping[str, str]  # of each person
    erased: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)
    seen: dict[str, int] = field(default_factory=dict)
    noted: dict[tuple[str, str], Notes] = field(default_factory=dict)  # by table and partition key what its last publication noted
    altered: set[tuple[str, str]] = field(default_factory=set)
    clean: set[str] = field(default_factory=set)
    looked: int = 0
    decided: dict[tuple[str, int], set[tuple[str, int]]] = field(
        default_factory=dict
    )  # by dataset and number the rows, told to the steward

    def look(self) -> None:
        """Look at what is new. Raises AssertionError when it breaks an invariant."""
        for name in table_names(self.world.lake):
            log = self.world.lake / name / "_delta_log"
            newest_version = max(int(path.stem) for path in log.glob("*.json"))
            for version in range(self.seen.get(name, -1) + 1, newest_version + 1):
                self._commit(name, version, is_newest=version == newest_version)
                self.seen[name] = version
        self._readers()

    def _commit(self, name: str, version: int, *, is_newest: bool) -> None:
        entry = self.world.lake / name / "_delta_log" / f"{version:020d}.json"
        actions = [json.loads(line) for line in entry.read_text().splitlines()]
        info = next((one["commitInfo"] for one in actions if "commitInfo" in one), {})
        touched = {_key(one.get("add", one.get("remove"))["partitionValues"]) for one in actions if "add" in one or "remove" in one}
        if ATTEMPT_ID not in info:
            self.altered |= {(name, key) for key in touched}
            return
        notes: dict[str, Notes] = json.loads(info.get("assay.partitions", "{}"))
        for key, said in notes.items():
            self.noted[name, key] = said | {"contract": info.get("assay.contract_version", "")}
            self.altered.discard((name, key))
        self.looked += 1
        snapshot = open_snapshot(self.world.lake, name, None if is_newest else version)
        if name.partition("/")[0] in PUBLISHED:
            readers_see_whole_versions(snapshot, self.noted, self.altered)
        if not all(Path(file.path).exists() for file in snapshot.files):
            assert self.leaving, f"{name} at version {version} names a file that is gone"
            assert not is_newest, f"the newest version of {name} names a file that is gone"
            return
        no_erased_value_comes_back(snapshot, self.erased, self.tokens, self.clean)
        no_row_of_an_erased_person_is_pointed_at(snapshot, self.landings, self.erased)
        layer, _, dataset = name.partition("/")
        inputs = {table: self._pinned(table, at) for table, at in json.loads(info.get("assay.inputs", "{}")).items()}
        if not notes or None in inputs.values():  # it raises the fence, or an erasure has taken what was read
            return
        if layer == "bronze":
            bronze_is_what_landed(snapshot, self.landings[dataset], notes, self.leaving, self.erased)
        elif layer == "silver":
            silver_is_a_function_of_bronze(snapshot, inputs, notes, info["assay.contract_version"])
            nothing_is_made_from_erased_rows(inputs, self.erased, self.tokens)
        elif layer == "gold":
            gold_is_a_function_of_silver(snapshot, inputs, notes)
            nothing_is_made_from_erased_rows(inputs, self.erased, self.tokens)

    def _pinned(self, name: str, version: int) -> Snapshot | None:
        """An input as it was read; None if an erasure has taken its files since."""
        snapshot = open_snapshot(self.world.lake, name, version)
        return snapshot if all(Path(file.path).exists() for file in snapshot.files) else None

    def _readers(self) -> None:
        """What a reader of now sees of tables that must agree."""
        for dataset in (SALES, METERS):
            silver, bronze = newest(self.world.lake, f"silver/{dataset}"), newest(self.world.lake, f"bronze/{dataset}")
            quarantine = newest(self.world.lake, f"quarantine/{dataset}")
            no_decision_is_lost(dataset, newest(self.world.lake, f"decisions/{dataset}"), self)
            if bronze is not None:
                every_sum_closes(dataset, bronze, silver, quarantine, self)


def readers_see_whole_versions(table: Snapshot, noted: Mapping[tuple[str, str], Notes], altered: set[tuple[str, str]]) -> None:
    """Each partition of a version has exactly the files of one publication, unless another tool has changed it since."""
    digests: dict[str, list[str]] = {}
    for file in table.files:
        digests.setdefault("@".join(file.values), []).append(file.digest)
    for (name, key), said in noted.items():
        if name == table.name and (name, key) not in altered:
            found = combine(digests.get(key, []))
            assert found == said["digest"], f"{name} {key} at version {table.version} is not as any publication made it"
    strange = {key for key in digests if (table.name, key) not in noted and (table.name, key) not in altered}
    assert not strange, f"{table.name} has partitions that nobody published: {strange}"


def every_sum_closes(dataset: str, bronze: Snapshot, silver: Snapshot | None, quarantine: Snapshot | None, watcher: Watcher) -> None:
    """Of each partition that is published: landed = published + quarantined + duplicates, counted in the tables that a reader sees."""
    held: Counter[str] = Counter()
    for file in visible_files(quarantine, {"": silver, ARRIVALS: bronze}) if quarantine else ():
        held[file.values[0]] += file.rows
    rows = _counted(silver)
    for (name, key), said in watcher.noted.items():
        is_altered = (name, key) in watcher.altered or any(
            table == f"quarantine/{dataset}" and place.startswith(f"{key}@") for table, place in watcher.altered
        )
        if name != f"silver/{dataset}" or is_altered or "landed" not in said:
            continue
        found = (said["landed"], rows[key], held[key], said["duplicates"])
        assert found[0] == sum(found[1:]), (
            f"{name} {key}: landed {found[0]} is not published {found[1]} + held {found[2]} + twice {found[3]}"
        )
        assert (rows[key], held[key]) == (said["published"], said["quarantined"]), f"{name} {key} is not as it was noted: {found}, {said}"
    undated: Counter[str] = Counter()
    for file in bronze.files:
        undated[ARRIVALS + file.values[0]] += sum(day.rows for on, day in manifest_of(file.path).days.items() if on is None)
    for key in undated.keys() | {key for key in held if key.startswith(ARRIVALS)}:
        more = held[key] - undated[key]
        assert more == 0 or (more > 0 and watcher.leaving), f"{dataset} {key}: {undated[key]} rows have no date, {held[key]} are held"


def bronze_is_what_landed(bronze: Snapshot, landing: Landing, notes: Iterable[str], leaving: set[str], erased: set[str]) -> None:
    """Each arrival has the rows of contents that landed under these names, whole, but for those of people who are erased."""
    there = bronze_rows(bronze, landing.dataset, notes)
    for key in notes:
        for file in (file for file in bronze.files if file.values == (key,)):
            for source in manifest_of(file.path).sources:
                name, content = Path(source.name).stem, landing.contents[source.hash]
                for number, cells in enumerate(content, 1):
                    found = there.pop(Place(name, number), None)
                    whose = names(landing.dataset, cells)
                    assert found == cells or (found is None and whose & leaving), f"bronze has {found} for row {number} of {name}: {cells}"
                    assert found is None or not whose & erased, f"bronze has a row of somebody who was erased: row {number} of {name}"
    assert not there, f"bronze has rows that no file of it explains: {there}"


def silver_is_a_function_of_bronze(
    silver: Snapshot, inputs: Mapping[str, Snapshot | None], notes: Mapping[str, Notes], version: str
) -> None:
    """What was published is what the oracle makes of the pinned bronze: no row lost, none doubled. No key is there twice."""
    dataset = silver.name.partition("/")[2]
    bronze = inputs[f"bronze/{dataset}"]
    assert bronze is not None
    fates = judged(dataset, bronze_rows(bronze, dataset), version)
    found = silver_rows(silver)
    for key in notes if dataset == SALES else ():
        expected = sorted((int(cells[1]), int(cells[-1])) for cells in fates.published[key].values())
        assert found.get(key, []) == expected, f"{silver.name} {key} has {found.get(key)}, and bronze gives {expected}"
    for scope in found.values() if dataset == SALES else [[row for rows in found.values() for row in rows]]:
        keys = [number for number, _ in scope]
        assert len(keys) == len({*keys}), f"{silver.name} at version {silver.version} has a key twice: {sorted(keys)}"


def gold_is_a_function_of_silver(gold: Snapshot, inputs: Mapping[str, Snapshot | None], notes: Mapping[str, Notes]) -> None:
    """The months of a publication are what their model makes of the tables that it pinned."""
    name, sums = gold.name.partition("/")[2], {table: summed(snapshot) for table, snapshot in inputs.items() if snapshot}
    assert {*sums} == {*BY_MONTH[name][0]}, f"{gold.name} does not say what it was made from: {sorted(sums)}"
    expected, found = gold_rows(name, sums), {day: (count, total) for day, count, total in summed(gold)}
    for month in notes:
        wanted = {day: row for day, row in expected.items() if day.startswith(month[:7])}
        there = {day: row for day, row in found.items() if day.startswith(month[:7])}
        assert there == wanted, f"{gold.name} {month} has {there}, and its inputs give {wanted}"


def nothing_is_made_from_erased_rows(inputs: Mapping[str, Snapshot | None], erased: set[str], tokens: Mapping[str, str]) -> None:
    """Whoever publishes after a receipt has read after it, too: also what tells nobody's name was not made from theirs."""
    for snapshot in inputs.values():
        column = {"bronze/sales": "buyer", "silver/sales": "buyer"}.get(snapshot.name) if snapshot else None
        if snapshot and column and erased:
            there = set(snapshot.scan(columns=[column]).collect()[column])
            assert not there & {*erased, *(tokens[one] for one in erased)}, f"it was made from rows of {snapshot.name} that were erased"


def no_erased_value_comes_back(table: Snapshot, erased: Iterable[str], tokens: Mapping[str, str], clean: set[str]) -> None:
    """No file that a version names tells of somebody of whom there is a receipt. `clean` are the files that were found to tell nothing."""
    needles = [text for one in erased for text in (one, tokens[one])]
    for file in table.files if needles else ():
        if file.path not in clean:
            assert not tells(Path(file.path), needles), f"{table.name} at version {table.version} tells of somebody who was erased"
            clean.add(file.path)


def no_row_of_an_erased_person_is_pointed_at(table: Snapshot, landings: Mapping[str, Landing], erased: set[str]) -> None:
    """Quarantine, claims and decisions say of a row where it landed: of nobody of whom there is a receipt."""
    layer, _, dataset = table.name.partition("/")
    if layer not in ("quarantine", "claims", "decisions") or not erased:
        return
    for hash_, row in table.scan(columns=["source_hash", "source_row"]).collect().rows():
        whose = names(dataset, landings[dataset].contents[hash_][row - 1])
        assert not whose & erased, f"{table.name} at version {table.version} points at row {row} of somebody who was erased"


def no_decision_is_lost(dataset: str, decisions: Snapshot | None, watcher: Watcher) -> None:
    """What a steward was told is decided stays so, but for rows of people who are erased; no number is there twice or left out."""
    found: dict[int, set[tuple[str, int]]] = {}
    if decisions is not None and decisions.files:
        for number, hash_, row in decisions.scan(columns=["decision", "source_hash", "source_row"]).collect().rows():
            found.setdefault(number, set()).add((hash_, row))
    for (about, number), rows in watcher.decided.items():
        if about == dataset:
            missing = rows - found.get(number, set())
            whose = [names(dataset, watcher.landings[dataset].contents[hash_][row - 1]) for hash_, row in missing]
            assert all(one & watcher.leaving for one in whose), f"decision {number} of {dataset} has lost {missing}"
            assert found.get(number, set()) <= rows, f"decision {number} of {dataset} is about other rows than was told"


def no_erased_value_is_anywhere(home: Path, erased: Iterable[str], tokens: Mapping[str, str]) -> None:
    """Nothing below the lake and the scratch folder tells of them, named by a table or not."""
    needles = [text for one in erased for text in (one, tokens[one])]
    for folder in ("lake", "scratch") if needles else ():
        found = [path for path in (home / folder).rglob("*") if path.is_file() and tells(path, needles)]
        assert not found, f"somebody who was erased can be told from {[str(path.relative_to(home)) for path in found]}"


def the_plan_is_empty(world: World) -> None:
    """Once all is published nothing is due, and nothing cannot be planned."""
    due = world.due()
    assert not due, f"all was done, and the plan still finds {due}"


def no_row_is_lost_or_doubled(world: World, landings: Mapping[str, Landing], erased: set[str]) -> None:
    """Every row that landed is in bronze once, and where its contract says: published, held, or given way to another of its key."""
    for dataset, landing in landings.items():
        bronze = newest(world.lake, f"bronze/{dataset}")
        kept = held_files(bronze)
        sources = landing.sources(kept)
        assert kept == sources, f"bronze/{dataset} has {kept}, and there landed {sources}"
        rows = landing.rows(sources, erased)
        assert (bronze_rows(bronze, dataset) if bronze else {}) == rows, f"bronze/{dataset} has other rows than landed"
        fates = judged(dataset, rows, world.versions[dataset])
        found = silver_rows(newest(world.lake, f"silver/{dataset}"))
        for key in fates.partitions | found.keys():
            expected = sorted((int(cells[1]), int(cells[-1])) for cells in fates.published[key].values())
            assert found.get(key, []) == expected, f"silver/{dataset} {key} has {found.get(key)}, and must have {expected}"
        quarantined = held_places(world, dataset)
        wanted = {key: places for key, places in fates.held.items() if places}
        wanted |= {ARRIVALS + key: places for key, places in fates.undated.items() if places}
        assert quarantined == wanted, f"quarantine/{dataset} shows {quarantined}, and must show {wanted}"


def gold_is_a_function_of_silver_now(world: World) -> None:
    """Once all is published gold is what its models make of the silver of now, all of it: a month that silver has lost is empty."""
    for name, (reads, _) in BY_MONTH.items():
        inputs = {table: newest(world.lake, table) for table in reads}
        gold = newest(world.lake, f"gold/{name}")
        if None in inputs.values():
            assert gold is None, f"gold/{name} was made without an input"
            continue
        expected = gold_rows(name, {table: summed(snapshot) for table, snapshot in inputs.items() if snapshot})
        found = {day: (count, total) for day, count, total in summed(gold)} if gold else {}
        assert found == expected, f"gold/{name} has {found}, and silver gives {expected}"


def held_files(bronze: Snapshot | None) -> dict[str, str]:
    """The landing files that bronze holds, with the hash of each."""
    return {Path(source.name).stem: source.hash for file in (bronze.files if bronze else ()) for source in manifest_of(file.path).sources}


def bronze_rows(bronze: Snapshot, dataset: str, keys: Iterable[str] | None = None) -> dict[Place, Cells]:
    """The landed cells of each row. Raises AssertionError if one place is there twice."""
    fields = ("day", "number", "buyer", "amount") if dataset == SALES else ("day", "number", "amount")
    wanted = None if keys is None else {*keys}
    rows = bronze.scan(lambda file: wanted is None or file.values[0] in wanted, ["_source_file", "_source_row", *fields]).collect().rows()
    found = {Place(Path(file).stem, row): tuple(cells) for file, row, *cells in rows}
    assert len(found) == len(rows), f"bronze/{dataset} has a row twice"
    return found


def silver_rows(silver: Snapshot | None) -> dict[str, list[tuple[int, int]]]:
    """Key and amount of the published rows by partition."""
    found: dict[str, list[tuple[int, int]]] = {}
    if silver is not None:
        for day, number, amount in silver.scan(columns=[silver.partition_by[0], "number", "amount"]).collect().rows():
            found.setdefault(str(day), []).append((number, amount))
    return {key: sorted(rows) for key, rows in found.items()}


def held_places(world: World, dataset: str) -> dict[str, set[Place]]:
    """The visible quarantined rows by partition. Raises AssertionError if one is there twice."""
    silver, bronze = newest(world.lake, f"silver/{dataset}"), newest(world.lake, f"bronze/{dataset}")
    quarantine = newest(world.lake, f"quarantine/{dataset}")
    found: dict[str, set[Place]] = {}
    if quarantine is not None:
        paths = {file.path for file in visible_files(quarantine, {"": silver, ARRIVALS: bronze})}
        rows = quarantine.scan(lambda file: file.path in paths, ["_partition", "source_file", "source_row"]).collect().rows()
        for key, file, row in rows:
            found.setdefault(key, set()).add(Place(Path(file).stem, row))
        assert sum(map(len, found.values())) == len(rows), f"quarantine/{dataset} shows a row twice"
    return found


def summed(table: Snapshot) -> list[tuple[str, int, int]]:
    """Rows and sums by day, or month, of a table that gold reads or is."""
    if table.name.startswith("gold/"):
        return [(str(day), count, total) for day, count, total in table.scan(columns=["day", "n", "total"]).collect().rows()]
    found: dict[str, tuple[int, int]] = {}
    for key, rows in silver_rows(table).items():
        found[key] = len(rows), sum(amount for _, amount in rows)
    return [(day, *both) for day, both in found.items()]


def tells(path: Path, needles: Iterable[str]) -> bool:
    """Whether a file tells one of some texts, in its bytes or packed in Parquet."""
    content = path.read_bytes()
    if any(text.encode() in content for text in needles):
        return True
    if not content.startswith(b"PAR1"):
        return False
    said = str(pq.read_table(pa.BufferReader(content)).to_pylist())
    return any(text in said for text in needles)


def _counted(table: Snapshot | None) -> Counter[str]:
    found: Counter[str] = Counter()
    for file in table.files if table else ():
        found[file.values[0]] += file.rows
    return found


def _key(values: Mapping[str, str]) -> str:
    return "@".join(values.values())
