"""What is true of the lake at every moment, whoever has been stopped where; and what else is true once nobody is at work. By name.

Every version is looked at once, as its log says (`lake_tables`); what tables must hold is the oracle's to say.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake_keys import a_key_is_where_its_last_row_is, made_from
from lake_oracle import Place, gold_rows, judged, names
from lake_product import BY_MONTH, METERS, SALES, partitions_of
from lake_rows import bronze_rows, counted, damaged_now, held_places, names_of, silver_rows, sources_of, summed, unread_in, visible
from lake_tables import TOKEN, Tables
from lake_world import erasure_tokens

from assay.contracts.model.calendars import event_calendar
from assay.errors import TableDamaged
from assay.lake.migrations import outgrown
from assay.lake.publisher import ATTEMPT_ID
from assay.lake.quarantine.store import ARRIVALS
from assay.lake.snapshots import newest
from assay.lake.staged import combine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lake_oracle import Landing
    from lake_tables import Contents, Entry, Table
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
    noted: dict[tuple[str, str], Notes] = field(default_factory=dict)  # by table and partition key what its last publication noted
    altered: set[tuple[str, str]] = field(default_factory=set)
    strange: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)  # what was altered at a version
    taken: dict[tuple[str, str], dict[str, str]] = field(
        default_factory=dict
    )  # by table of bronze and arrival the files of its publication
    clean: set[str] = field(default_factory=set)
    maintained: bool = False  # old files may have been removed
    looked: int = 0
    decided: dict[tuple[str, int], set[tuple[str, int]]] = field(
        default_factory=dict
    )  # by dataset and number the rows, told to the steward

    lost: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by record the rows of which the file is gone

    def __post_init__(self) -> None:
        self.tables = Tables(self.world.lake)

    def look(self) -> None:
        """Look at what is new. Raises AssertionError when it breaks an invariant."""
        fresh = self.tables.fresh()
        last = dict(fresh)
        for name, version in fresh:
            self.tables.read(name, version)
        for name, version in fresh:
            before = self.tables.at(name, version - 1) if version else None
            self._commit(before, self.tables.at(name, version), self.tables.entries[name, version], is_newest=version == last[name])
        for dataset in (SALES, METERS) if fresh else ():
            self._readers(dataset)

    def _note(self, table: Table, entry: Entry) -> None:
        """What an entry says of partitions, and which of them another tool has changed."""
        name = table.name
        if ATTEMPT_ID not in entry.info:
            self.altered |= {(name, "@".join(file.values)) for file in (*entry.added, *entry.removed)}
        inputs: dict[str, int] = json.loads(entry.info.get("assay.inputs", "{}"))
        for key, said in json.loads(entry.info.get("assay.partitions", "{}")).items():
            self.noted[name, key] = said | {"contract": entry.info.get("assay.contract_version", ""), "inputs": inputs}
            if f"{TOKEN}files/{key}" in entry.tokens:  # not so an erasure, which leaves what another tool has changed outdated
                self.altered.discard((name, key))
            if name.startswith("bronze/") and (name, key) not in self.altered:
                self.taken[name, key] = names_of(table, key)
        self._forget_gone(table)
        self.strange[name, table.version] = frozenset(key for one, key in self.altered if one == name)

    def forget_lost(self) -> None:
        """What a record had lost when it was mended is as if it had never been: rows are held again, and people have to be erased again."""
        for name, rows in self.lost.items():
            if name.startswith("decisions/"):
                for row in rows:
                    self.decided.get((name.partition("/")[2], int(row["decision"])), set()).discard((row["source_hash"], row["source_row"]))
            else:
                self.erased -= {person for person, token in erasure_tokens(self.world).items() if token in {row["token"] for row in rows}}
        self.lost.clear()

    def rewind(self, name: str, lost: int) -> None:
        """An entry of a log was lost: the table is as if that version had changed nothing. Whoever had read it, or one since, may have
        made something of it."""
        gone, last = self.tables.entries[name, lost], len(self.tables.versions[name])
        self.tables.forget(name, lost)
        for known in (self.noted, self.taken):
            for one in [one for one in known if one[0] == name]:
                del known[one]  # type: ignore[attr-defined]
        self.altered = {one for one in self.altered if one[0] != name}
        for version in range(lost):
            self._note(self.tables.at(name, version), self.tables.entries[name, version])
        for _, version in [one for one in self.tables.fresh() if one[0] == name]:
            self._note(self.tables.read(name, version), self.tables.entries[name, version])
        self.altered |= {(name, "@".join(file.values)) for file in (*gone.added, *gone.removed)}
        # what the lost version had removed is named again, and maintenance or an erasure may have taken it since
        self.tables.contents.damaged |= {file.path for file in gone.removed if not file.exists}
        for version in range(lost, max(last, len(self.tables.versions[name]))):
            self.strange[name, version] = frozenset({"what was lost"})

    def _commit(self, before: Table | None, table: Table, entry: Entry, *, is_newest: bool) -> None:
        name = table.name
        notes: dict[str, Notes] = json.loads(entry.info.get("assay.partitions", "{}"))
        inputs: dict[str, int] = json.loads(entry.info.get("assay.inputs", "{}"))
        if notes:
            nobody_goes_back_to_older_inputs(table, before, notes, inputs, self)
        self._note(table, entry)
        if ATTEMPT_ID not in entry.info:
            return
        self.looked += 1
        if name.partition("/")[0] in PUBLISHED:
            readers_see_whole_versions(table, self.noted, self.altered)
        if not table.readable:
            if any(not file.exists and file.path not in table.content.damaged for file in table.files):
                assert self.leaving or self.maintained, f"{name} at version {table.version} names a file that is gone"
                assert not is_newest, f"the newest version of {name} names a file that is gone"
            return
        no_erased_value_comes_back(table, self.erased, self.tokens, self.clean)
        bronze = self.tables.newest(f"bronze/{name.partition('/')[2]}")
        no_row_of_an_erased_person_is_pointed_at(table, self.landings, self.erased, bronze)
        pinned = {one: self._pinned(one, at) for one, at in inputs.items()}
        if not notes or None in pinned.values():  # it raises the fence, or an erasure has taken what was read
            return
        self._published(table, before, entry, pinned)

    def _published(self, table: Table, before: Table | None, entry: Entry, pinned: Mapping[str, Table | None]) -> None:
        """A publication is what its layer makes of what it has read."""
        (layer, _, dataset), said = table.name.partition("/"), json.loads(entry.info["assay.partitions"])
        notes: dict[str, Notes] = {key: one for key, one in said.items() if (table.name, key) not in self.altered}
        inputs: dict[str, int] = json.loads(entry.info.get("assay.inputs", "{}"))
        if layer == "bronze":
            bronze_is_what_landed(table, self.landings[dataset], notes, self.leaving, self.erased)
            if before is not None and before.readable:
                bronze_never_goes_back(table, before, self.landings[dataset], notes)
        elif layer == "silver":
            others = {key for changed, key in self.altered if changed == table.name}
            version = entry.info["assay.contract_version"]
            if not self.strange.get((f"bronze/{dataset}", inputs[f"bronze/{dataset}"])):
                silver_is_a_function_of_bronze(table, pinned, notes, version, others)
                if dataset == METERS and not others and (bronze := pinned[f"bronze/{dataset}"]):
                    a_key_is_where_its_last_row_is(table, bronze, made_from(table, self.noted, self.tables, self.strange), version)
                if not self.leaving:  # an erasure publishes all the same what is refused without a person's rows
                    nothing_refused_is_published(table, pinned, notes, version)
            nothing_is_made_from_erased_rows(pinned, self.erased, self.tokens)
        elif layer == "gold" and not any("what was lost" in self.strange.get((one, at), ()) for one, at in inputs.items()):
            gold_is_a_function_of_silver(table, pinned, notes)
            nothing_is_made_from_erased_rows(pinned, self.erased, self.tokens)

    def _forget_gone(self, table: Table) -> None:
        """What went with its calendar is no partition any more."""
        if table.name.partition("/")[0] in PUBLISHED:
            for name, key in [one for one in self.noted if one[0] == table.name and table.token(one[1]) is None]:
                del self.noted[name, key]
                self.altered.discard((name, key))

    def held_of(self, dataset: str) -> dict[str, str]:
        """The landing files that bronze holds, with their hashes, whatever another tool has done to it since."""
        return {file: digest for (name, _), files in self.taken.items() if name == f"bronze/{dataset}" for file, digest in files.items()}

    def nobody_is_pointed_at(self) -> None:
        """What tables have at the moment of a receipt."""
        for table in [self.tables.newest(f"{layer}/{name}") for layer in ("quarantine", "claims", "decisions") for name in (SALES, METERS)]:
            if table is not None and table.readable:
                bronze = self.tables.newest(f"bronze/{table.name.partition('/')[2]}")
                no_row_of_an_erased_person_is_pointed_at(table, self.landings, self.erased, bronze)

    def _pinned(self, name: str, version: int) -> Table | None:
        """An input as it was read; None if an erasure has taken its files since."""
        table = self.tables.at(name, version)
        return table if table.readable else None

    def _readers(self, dataset: str) -> None:
        """What a reader of now sees of tables that must agree."""
        no_decision_is_lost(dataset, self.tables.newest(f"decisions/{dataset}"), self)
        if self.tables.newest(f"bronze/{dataset}") is not None:
            every_sum_closes(dataset, self)


def nobody_goes_back_to_older_inputs(
    table: Table, before: Table | None, notes: Iterable[str], inputs: Mapping[str, int], watcher: Watcher
) -> None:
    """Whoever replaces a partition has seen what he replaces: it was not made from newer inputs, unless they come to the same."""
    for key in notes:
        last = watcher.noted.get((table.name, key), {}).get("inputs", {})
        older = {one: (last[one], at) for one, at in inputs.items() if one in last and at < last[one]}
        if not older or before is None or table.token(key) == before.token(key):
            continue
        earlier = {one.token(key) for one in watcher.tables.versions[table.name][: before.version]}
        assert before.token(key) in earlier, f"{table.name} {key} at version {table.version} was made from older inputs: {older}"


def bronze_never_goes_back(bronze: Table, before: Table, landing: Landing, notes: Iterable[str]) -> None:
    """No landing file is forgotten, none gets a content that was gone before the one that it had had landed, and no row another origin
    as long as the name of its origin has this content."""
    for key in notes:
        new, rows = names_of(bronze, key), sources_of(bronze, key)
        for name, digest in names_of(before, key).items():
            assert name in new, f"bronze {key} has forgotten {name}"
            assert not landing.went_back(name, digest, new[name]), f"bronze {key} has an older content of {name} than it had"
        for name, digest in sources_of(before, key).items():
            assert name in rows or new[name] != digest, f"bronze {key} has the rows of {name} under another name"


def readers_see_whole_versions(table: Table, noted: Mapping[tuple[str, str], Notes], altered: set[tuple[str, str]]) -> None:
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


def every_sum_closes(dataset: str, watcher: Watcher) -> None:
    """Of each partition that is published: landed = published + quarantined + duplicates, counted in the tables that a reader sees.

    An erasure does not build what the calendar of now has not: of that it takes rejected rows only, and all of it waits to be replaced.
    """
    bronze, silver = watcher.tables.newest(f"bronze/{dataset}"), watcher.tables.newest(f"silver/{dataset}")
    held: Counter[str] = Counter()
    for file in visible(dataset, watcher.tables):
        held[file.values[0]] += file.rows
    rows = counted(silver)
    for (name, key), said in watcher.noted.items():
        shown = f"{key}@{silver.publication(key) if silver else None}"
        is_altered = (name, key) in watcher.altered or (f"quarantine/{dataset}", shown) in watcher.altered
        waits = watcher.leaving and key not in partitions_of(dataset, watcher.world.versions[dataset])
        if name != f"silver/{dataset}" or is_altered or waits or "landed" not in said:
            continue
        found = (said["landed"], rows[key], held[key], said["duplicates"])
        assert found[0] == sum(found[1:]), (
            f"{name} {key}: landed {found[0]} is not published {found[1]} + held {found[2]} + twice {found[3]}"
        )
        assert (rows[key], held[key]) == (said["published"], said["quarantined"]), f"{name} {key} is not as it was noted: {found}, {said}"
    undated: Counter[str] = Counter()
    for file in bronze.files if bronze else ():
        if file.path in watcher.tables.contents.manifests:
            undated[ARRIVALS + file.values[0]] += sum(
                day.rows for on, day in watcher.tables.contents.manifest(file).days.items() if on is None
            )
    for key in undated.keys() | {key for key in held if key.startswith(ARRIVALS)}:
        arrival = key.removeprefix(ARRIVALS)
        shown = f"{key}@{bronze.publication(arrival) if bronze else None}"
        if (f"bronze/{dataset}", arrival) in watcher.altered or (f"quarantine/{dataset}", shown) in watcher.altered:
            continue
        more = held[key] - undated[key]
        assert more == 0 or (more > 0 and watcher.leaving), f"{dataset} {key}: {undated[key]} rows have no date, {held[key]} are held"


def bronze_is_what_landed(bronze: Table, landing: Landing, notes: Iterable[str], leaving: set[str], erased: set[str]) -> None:
    """Each arrival has the rows of contents that landed under these names, whole, but for those of people who are erased."""
    there = bronze_rows(bronze, landing.dataset, notes)
    for key in notes:
        for name, digest in sources_of(bronze, key).items():
            for number, cells in enumerate(landing.contents[digest], 1):
                found = there.pop(Place(name, number), None)
                whose = names(landing.dataset, cells)
                assert found == cells or (found is None and whose & leaving), f"bronze has {found} for row {number} of {name}: {cells}"
                assert found is None or not whose & erased, f"bronze has a row of somebody who was erased: row {number} of {name}"
    assert not there, f"bronze has rows that no file of it explains: {there}"


def silver_is_a_function_of_bronze(
    silver: Table, inputs: Mapping[str, Table | None], notes: Mapping[str, Notes], version: str, altered: set[str]
) -> None:
    """What was published is what the oracle makes of the pinned bronze: no row lost, none doubled. No key is there twice, but where
    another tool has `altered` a partition."""
    dataset = silver.name.partition("/")[2]
    bronze = inputs[f"bronze/{dataset}"]
    assert bronze is not None
    fates = judged(dataset, bronze_rows(bronze, dataset), version, unread_in(bronze))
    found = {key: rows for key, rows in silver_rows(silver).items() if key not in altered}
    for key in notes if dataset == SALES else ():
        expected = sorted((int(cells[1]), int(cells[-1])) for cells in fates.published[key].values())
        assert found.get(key, []) == expected, f"{silver.name} {key} has {found.get(key)}, and bronze gives {expected}"
    for scope in found.values() if dataset == SALES else [[row for rows in found.values() for row in rows]]:
        keys = [number for number, _ in scope]
        assert len(keys) == len({*keys}), f"{silver.name} at version {silver.version} has a key twice: {sorted(keys)}"


def nothing_refused_is_published(silver: Table, inputs: Mapping[str, Table | None], notes: Iterable[str], version: str) -> None:
    """No partition is published of which the contract refuses too large a share."""
    dataset = silver.name.partition("/")[2]
    bronze = inputs[f"bronze/{dataset}"]
    assert bronze is not None
    refused = judged(dataset, bronze_rows(bronze, dataset), version, unread_in(bronze)).refused(version)
    assert not refused & {*notes}, f"{silver.name} at version {silver.version} has published {refused & {*notes}}, which are refused"


def gold_is_a_function_of_silver(gold: Table, inputs: Mapping[str, Table | None], notes: Mapping[str, Notes]) -> None:
    """The months of a publication are what their model makes of the tables that it pinned."""
    name, sums = gold.name.partition("/")[2], {one: summed(table) for one, table in inputs.items() if table}
    assert {*sums} == {*BY_MONTH[name][0]}, f"{gold.name} does not say what it was made from: {sorted(sums)}"
    expected, found = gold_rows(name, sums), {day: (count, total) for day, count, total in summed(gold)}
    for month in notes:
        wanted = {day: row for day, row in expected.items() if day.startswith(month[:7])}
        there = {day: row for day, row in found.items() if day.startswith(month[:7])}
        assert there == wanted, f"{gold.name} {month} has {there}, and its inputs give {wanted}"


def nothing_is_made_from_erased_rows(inputs: Mapping[str, Table | None], erased: set[str], tokens: Mapping[str, str]) -> None:
    """Whoever publishes after a receipt has read after it, too: also what tells nobody's name was not made from theirs."""
    for table in inputs.values():
        if table and erased and table.name in ("bronze/sales", "silver/sales"):
            there = {row["buyer"] for row in table.rows()}
            assert not there & {*erased, *(tokens[one] for one in erased)}, f"it was made from rows of {table.name} that were erased"


def no_erased_value_comes_back(table: Table, erased: Iterable[str], tokens: Mapping[str, str], clean: set[str]) -> None:
    """No file that a version names tells of somebody of whom there is a receipt. `clean` are the files that were found to tell nothing."""
    terms = [text for one in erased for text in (one, tokens[one])]
    for file in table.files if terms else ():
        if file.path not in clean:
            told = table.content.tells(file.path, terms)
            assert not told, f"{table.name} at version {table.version} tells of somebody who was erased"
            clean.add(file.path)


def no_row_of_an_erased_person_is_pointed_at(table: Table, landings: Mapping[str, Landing], erased: set[str], bronze: Table | None) -> None:
    """Quarantine, claims and decisions say of a row where it landed: of nobody of whom there is a receipt.

    A decision about a content that bronze does not have any more tells nothing: nobody has the file to which that hash belongs.
    """
    layer, _, dataset = table.name.partition("/")
    if layer not in ("quarantine", "claims", "decisions") or not erased:
        return
    known = {*sources_of(bronze).values()} if layer == "decisions" else None
    for row in table.rows():
        if known is not None and row["source_hash"] not in known:
            continue
        whose = names(dataset, landings[dataset].contents[row["source_hash"]][row["source_row"] - 1])
        assert not whose & erased, f"{table.name} at version {table.version} points at row {row['source_row']} of somebody who was erased"


def no_decision_is_lost(dataset: str, decisions: Table | None, watcher: Watcher) -> None:
    """What a steward was told is decided stays so, but for rows of people who are erased; no number is there twice or left out."""
    found: dict[int, set[tuple[str, int]]] = {}
    for row in decisions.rows() if decisions is not None and watcher.decided else ():
        found.setdefault(int(row["decision"]), set()).add((row["source_hash"], row["source_row"]))
    for (about, number), rows in watcher.decided.items():
        if about == dataset:
            missing = rows - found.get(number, set())
            whose = [names(dataset, watcher.landings[dataset].contents[hash_][row - 1]) for hash_, row in missing]
            assert all(one & watcher.leaving for one in whose), f"decision {number} of {dataset} has lost {missing}"
            assert found.get(number, set()) <= rows, f"decision {number} of {dataset} is about other rows than was told"


def nothing_goes_of_whoever_is_at_work(name: str, error: BaseException | None, *, has_place: bool, hurt: bool) -> None:
    """Maintenance takes no file that somebody has staged, or reads, who is known to be at work."""
    took = isinstance(error, TableDamaged) or "is not there any more" in str(error)
    assert hurt or not (has_place and took), f"{name} was at work, and a file of it has gone: {error}"


def no_erased_value_is_anywhere(home: Path, erased: Iterable[str], tokens: Mapping[str, str], contents: Contents) -> None:
    """Nothing below the lake and the scratch folder tells of them, named by a table or not."""
    terms = [text for one in erased for text in (one, tokens[one])]
    for folder in ("lake", "scratch") if terms else ():
        found = [path for path in (home / folder).rglob("*") if path.is_file() and contents.tells(str(path), terms)]
        assert not found, f"somebody who was erased can be told from {[str(path.relative_to(home)) for path in found]}"


def the_plan_is_empty(world: World) -> None:
    """Once all is published nothing is due, and nothing cannot be planned."""
    due = world.due()
    assert not due, f"all was done, and the plan still finds {due}"


def what_is_remembered_is_what_would_be_planned(world: World) -> int:
    """A plan that is remembered is the one that would be made from nothing. How many were."""
    plans = [*world.plans_again()]
    for again, anew, _ in plans:
        assert again == anew, f"of {again.key.to_user_string()} it is remembered that {again}, and {anew}"
    return sum(remembered for *_, remembered in plans)


def the_product_reads_what_the_logs_say(world: World, tables: Tables) -> None:
    """The product's own snapshots have the files and the numbers that the entries of the logs add up to, and each file is there."""
    assert not damaged_now(tables), f"all was mended and made again, and {damaged_now(tables)} name files that are gone or cut"
    for name in tables.versions:
        table, snapshot = tables.newest(name), newest(world.lake, name)
        if table is None:  # its writer had staged files and has not come to make it
            assert snapshot is None, f"{name} is read, and has no log"
            continue
        assert snapshot is not None, f"{name} cannot be found"
        found = {file.path: (file.values, file.rows) for file in snapshot.files}
        assert found == {file.path: (file.values, file.rows) for file in table.files}, f"{name} is read with other files than it has"
        assert snapshot.tokens(TOKEN) == {app[len(TOKEN) :]: number for app, number in table.tokens.items() if app.startswith(TOKEN)}


def no_row_is_lost_or_doubled(world: World, landings: Mapping[str, Landing], erased: set[str], tables: Tables) -> None:
    """Every row that landed is in bronze once, and where its contract says: published, held, or given way to another of its key."""
    for dataset, landing in landings.items():
        bronze = tables.newest(f"bronze/{dataset}")
        kept, sources = names_of(bronze), sources_of(bronze)
        landed = landing.names(kept)
        assert kept == landed, f"bronze/{dataset} has {kept}, and there landed {landed}"
        contents = sorted((name.split("_")[1], digest) for name, digest in sources.items())
        once = sorted({(name.split("_")[1], digest) for name, digest in landed.items()})
        assert contents == once, f"bronze/{dataset} has {contents} and not each content of an arrival once: {once}"
        rows = landing.rows(sources, erased)
        assert (bronze_rows(bronze, dataset) if bronze else {}) == rows, f"bronze/{dataset} has other rows than landed"
        fates = judged(dataset, rows, world.versions[dataset])
        found = silver_rows(tables.newest(f"silver/{dataset}"))
        for key in fates.partitions | found.keys():
            expected = sorted((int(cells[1]), int(cells[-1])) for cells in fates.published[key].values())
            assert found.get(key, []) == expected, f"silver/{dataset} {key} has {found.get(key)}, and must have {expected}"
        quarantined = held_places(dataset, tables)
        wanted = {key: places for key, places in fates.held.items() if places}
        wanted |= {ARRIVALS + key: places for key, places in fates.undated.items() if places}
        assert quarantined == wanted, f"quarantine/{dataset} shows {quarantined}, and must show {wanted}"


def refused_now(world: World, tables: Tables) -> dict[str, set[str]]:
    """The partitions of each dataset that would be refused now, where there are any."""
    found = dict[str, set[str]]()
    for dataset, version in world.versions.items():
        if bronze := tables.newest(f"bronze/{dataset}"):
            found[dataset] = judged(dataset, bronze_rows(bronze, dataset), version).refused(version)
    return {dataset: keys for dataset, keys in found.items() if keys}


def what_is_refused_stays_and_is_due(
    world: World, tables: Tables, before: Mapping[str, Table | None], refused: Mapping[str, set[str]]
) -> None:
    """A refused partition has what it had, and the plan asks for it, and for nothing but what its table or a changed calendar holds up."""
    due = world.due()
    for dataset, keys in refused.items():
        was, now, name = before[dataset], tables.newest(f"silver/{dataset}"), f"silver/{dataset}"
        if was and now:
            assert {key: was.token(key) for key in keys} == {key: now.token(key) for key in keys}, (
                f"{name}: {keys} are refused, and changed"
            )
        assert keys <= {*due.get(name, ())}, f"{name}: {keys} are refused, and due are {due}"
        if outgrown(newest(world.lake, name), event_calendar(world.contracts[dataset])):
            return
    assert {*due} == {f"silver/{dataset}" for dataset in refused}, f"{refused} are refused, and due are {due}"


def gold_is_a_function_of_silver_now(tables: Tables) -> None:
    """Once all is published gold is what its models make of the silver of now, all of it: a month that silver has lost is empty."""
    for name, (reads, _) in BY_MONTH.items():
        inputs = {table: tables.newest(table) for table in reads}
        gold = tables.newest(f"gold/{name}")
        if None in inputs.values():
            assert gold is None, f"gold/{name} was made without an input"
            continue
        expected = gold_rows(name, {one: summed(table) for one, table in inputs.items() if table})
        found = {day: (count, total) for day, count, total in summed(gold)} if gold else {}
        assert found == expected, f"gold/{name} has {found}, and silver gives {expected}"
