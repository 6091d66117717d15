"""The lake as a state machine: files land and go, contracts change, writers of every kind stand still at any point, end, or come back late.

A step is a rule, or a segment of a writer from one stop to the next. After each the watcher looks at all that is new; whenever all writers
have come to their ends and the plan finds nothing more, everything is compared with the oracle.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from lake_accidents import MADE_AGAIN, RECORDS, Damage, cut_entry, damage_file, is_summed_up, maintain, mend_all, throw_away
from lake_counts import Counts
from lake_draws import (
    CHANGED_BY_OTHERS,
    FAULTS,
    HAVE_PLACES,
    OVERTAKEN,
    RULES,
    SENT_AGAIN,
    STOPS,
    Begins,
    Change,
    Foreign,
    Leaves,
    Mishap,
    Moves,
    Until,
    Upstream,
    Work,
    arrivals,
    changes,
    datasets,
    follows,
    forced,
    leaving,
    moves,
    numbers,
    ones,
    overtaking,
    past,
    placed,
    rows,
    sent_again,
    telling,
    which,
    whole,
    works,
)
from lake_invariants import (
    Watcher,
    gold_is_a_function_of_silver_now,
    no_erased_value_is_anywhere,
    no_row_is_lost_or_doubled,
    nothing_goes_of_whoever_is_at_work,
    refused_now,
    the_plan_is_empty,
    the_product_reads_what_the_logs_say,
    what_is_refused_stays_and_is_due,
    what_is_remembered_is_what_would_be_planned,
)
from lake_oracle import Landing
from lake_product import FIRST, METERS, PEOPLE, SALES
from lake_quick import quick
from lake_rows import damaged_now, visible
from lake_world import World, make_bronze, make_silver, tokens_of
from lake_writers import Ended, StorageFault, WaitsForEver, Writer, alone, points, standing

from assay.erasure.proving import NotErased
from assay.errors import Fenced, FileUnreadable, Superseded, TableDamaged, TableMissing
from assay.lake.migrations import CalendarChanged
from assay.lake.quarantine.decisions import Kind as DecisionKind
from assay.masking.redaction import StepFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake_oracle import Cells, Content

MOST_WRITERS, MOST_SEGMENTS = 4, 3000
COPIES, NEXT_NAME = {Upstream.AGAIN, Upstream.ALIAS}, {"a": "b", "b": "c", "c": "a"}
GIVES_WAY = (Superseded, Fenced, TableMissing, NotErased, CalendarChanged)


class LakeMachine(RuleBasedStateMachine):
    """One lake, from nothing. What it has done is added to `counts`."""

    counts: ClassVar[Counts] = Counts()

    def __init__(self) -> None:
        super().__init__()
        self.inside = ExitStack()
        self.inside.enter_context(points())
        self.inside.enter_context(quick())
        self.world = World.make()
        self.landings = {name: Landing(name) for name in (SALES, METERS)}
        self.watcher = Watcher(self.world, self.landings, tokens_of(self.world))
        self.writers: list[Writer] = []
        self.killed: list[Writer] = []
        self.again: set[str] = set()  # who is to be erased once more, when nobody is at work
        self.started = 0
        self.cut: dict[str, int] = {}  # by table the version of which the entry is cut
        self.hurt = False  # whether something is damaged, or was when somebody began who is at work
        self.counts.lives += 1

    def teardown(self) -> None:
        try:
            if not any(one.hangs for one in self.writers):
                self.settle()
        finally:
            self.world.remove()
            for one in [*self.writers, *self.killed]:
                one.end()
            self.counts.versions += self.watcher.looked
            self.inside.close()

    # what happens outside

    @initialize(content=st.lists(rows, min_size=1, max_size=5), arrival=arrivals, built=st.booleans())
    def begin(self, content: list[Cells], arrival: str, *, built: bool) -> None:
        """A file of each dataset is there, and may be published already."""
        for dataset in (SALES, METERS):
            self.upstream(dataset, Change(Upstream.NEW, arrival, "a", content, 0))
        if built:
            self.settle()

    @rule(dataset=datasets, change=changes, leaves=leaving)
    def upstream(self, dataset: str, change: Change, leaves: Leaves | None = None) -> None:
        """A file lands, new or in the place of another, or goes; or the contract is changed. Bronze may take that, and silver not yet, and
        old files go; then somebody `leaves`, also from what is left behind."""
        how, arrival, suffix, content, old = change
        there, name = self.landings[dataset].there, f"{dataset}_{arrival}_{suffix}"
        own = tuple(row if dataset == SALES else (row[0], row[1], row[3]) for row in content)
        if how is Upstream.RULE:  # whoever begins from now on judges by another
            self._count(how)
            self.world.versions[dataset] = RULES[old % len(RULES)]
        elif how is Upstream.NEW:
            self._land(how, dataset, name, own)
        elif there:
            other = sorted(there)[old % len(there)]
            if how in COPIES:
                self._land(how, dataset, name if how is Upstream.AGAIN else f"{other[:-1]}{NEXT_NAME[other[-1]]}", there[other])
            elif how is Upstream.GONE:
                self._archive(dataset, other)
            elif how in SENT_AGAIN and own:
                self._land(how, dataset, other, sent_again(how, there[other], own[0]))
        if leaves is not None:
            self._leave(dataset, leaves)

    @rule(name=st.sampled_from(CHANGED_BY_OTHERS), how=st.sampled_from(Foreign), number=numbers, archived=forced, after=st.none() | follows)
    def another_tool(self, name: str, how: Foreign, number: str, *, archived: bool, after: Begins | None) -> None:
        """Rows are changed behind the product's back, whoever stands where. It tells by itself, and makes them again: also those of which
        nothing is in landing, and after old files were removed or somebody was erased."""
        if name in self.cut or name in damaged_now(self.watcher.tables):
            return
        layer, _, dataset = name.partition("/")
        for file in sorted(self.landings[dataset].there) if layer == "bronze" and archived else ():
            self._archive(dataset, file)
        if self.world.changed_by_another(name, str(how), number):
            self._count(f"another tool: {how}")
            if after and len(self.writers) < MOST_WRITERS:
                self._finish(self._start(SALES, Work(after, None, False, int(number) - 1)))

    @precondition(lambda self: not self.hurt)
    @rule(number=ones, how=st.sampled_from(Damage), file=ones)
    def damage(self, number: int, how: Damage, file: int) -> None:
        """A file of a table is gone or cut, whoever stands where. Of bronze that is mended by what lands again.

        A bit flips while nobody is at work: between looking at a file and reading it nobody can tell.
        """
        self.watcher.look()
        names = RECORDS if how is Damage.RECORD_GONE else MADE_AGAIN
        tables = [table for one in names if (table := self.watcher.tables.newest(one)) and table.files and table.readable]
        if not tables or (how is Damage.FLIPPED and self.writers):
            return
        table = tables[number % len(tables)]
        if how is not Damage.ENTRY_CUT:
            chosen = table.files[file % len(table.files)]
            if how is Damage.RECORD_GONE:
                self.watcher.lost[table.name] = table.rows_of(chosen)
            damage_file(chosen, how)
            self.watcher.tables.contents.damaged.add(chosen.path)
            self.watcher.altered.add((table.name, "@".join(chosen.values)))
        else:
            cut_entry(self.world.lake, table)
            self.cut[table.name] = table.version
        self.hurt = True
        self._count(f"damage: {how}")

    @precondition(lambda self: self.cut or damaged_now(self.watcher.tables))
    @rule()
    def mend(self) -> None:
        """Somebody checks the lake, and mends it."""
        self._mend()

    # writers that begin

    @precondition(lambda self: len(self.writers) < MOST_WRITERS)
    @rule(dataset=datasets, work=works, moves=moves)
    def start(self, dataset: str, work: Work, moves: Moves) -> None:
        """A writer begins, and then all go on in turns."""
        self._start(dataset, work)
        self._turns(moves)

    @precondition(lambda self: len(self.writers) <= MOST_WRITERS - 2)
    @rule(
        dataset=datasets, at=st.sampled_from([*OVERTAKEN]), kind=which, past=past, who=which,
        before=telling, others=st.lists(st.tuples(telling, st.builds(Work, overtaking, whole, forced, which, placed)), min_size=1, max_size=2),
        until=st.sampled_from(Until), alike=st.booleans(),
    )  # fmt: skip
    def overtake(
        self,
        dataset: str,
        at: str,
        kind: int,
        past: int,
        who: int,
        *,
        before: Change,
        others: list[tuple[Change, Work]],
        until: Until,
        alike: bool,
    ) -> None:
        """A writer stands still ahead of a commit to a layer, while files land and others do all that they want; then it goes on.

        The first of the others may be its like: no two meet more often.
        """
        self._count(f"overtake in {at}")
        dataset = METERS if at == "claims/" else self._held(dataset) if at == "decisions/" else dataset
        self.upstream(dataset, before)
        begins = OVERTAKEN[at][kind % len(OVERTAKEN[at])]
        writer = self._start(dataset, Work(begins, None, True, who))
        for _ in range(past + 1):
            if not writer.done:
                self._resume(writer, Until.COMMIT, at)
        for number, (change, work) in enumerate(others):
            self.upstream(dataset, change)
            self._finish(self._start(dataset, work._replace(kind=begins) if alike and not number else work))
        if writer.done:
            self._count("overtake nobody")
        elif until is Until.END:
            self._finish(writer)
        else:
            self._resume(writer, until, at)
        self.watcher.look()

    # writers that go on, or do not

    @precondition(lambda self: self.writers)
    @rule(moves=moves, last=which, until=st.sampled_from(Until))
    def go_on(self, moves: Moves, last: int, until: Until) -> None:
        """Writers go on in turns: each stands still where it is while another does. The last may go on to its end."""
        self._count("go on")
        self._turns([*moves, (last, until)])

    @precondition(lambda self: len(self.writers) > 1)
    @rule(number=which, how=st.sampled_from(Mishap))
    def mishap(self, number: int, how: Mishap) -> None:
        """A writer is killed, which cleans nothing up, or told to end, and unwinds; or the storage fails its next commit."""
        self._count(f"mishap {how.name}")
        writer = self.writers[number % len(self.writers)]
        if how is Mishap.KILLED:
            self.writers.remove(writer)
            self.killed.append(writer)
            writer.vanish()
            self.counts.ends["killed"] += 1
            note(f"{writer.name} is killed at {writer.at}")
        elif how is Mishap.TOLD_TO_END:
            writer.end()
            self._judge(writer)
        else:
            writer.fault = FAULTS[how]

    # all come to their ends

    @precondition(lambda self: len(self.writers) > 1)
    @rule(last_first=st.booleans())
    def drain(self, last_first: bool) -> None:
        """All writers go on to their ends, one after the other; then what is due is done, and all is as the oracle says."""
        self._count("drain")
        if last_first:
            self.writers.reverse()
        self.settle()

    def settle(self) -> None:
        while self.writers:
            self._finish(self.writers[0])
        self.watcher.look()
        if self.hurt:
            self._mend()
            self._backfilled()
            mend_all(self.world, shown=True)
            self.watcher.look()
            the_product_reads_what_the_logs_say(self.world, self.watcher.tables)
            throw_away(self.world, self.watcher.tables.contents.damaged)
            self.hurt = False
        if self._stays_refused():
            failed = self._backfilled()
            assert not failed, failed
        for person in sorted((self.watcher.leaving - self.watcher.erased) | self.again):
            receipt = alone(partial(self.world.erase, self.world.planner(), person))
            self.watcher.look()
            self._erased(person, receipt)
        self.again.clear()
        the_plan_is_empty(self.world)
        tables = self.watcher.tables
        the_product_reads_what_the_logs_say(self.world, tables)
        no_row_is_lost_or_doubled(self.world, self.landings, self.watcher.erased, tables)
        gold_is_a_function_of_silver_now(tables)
        no_erased_value_is_anywhere(self.world.home, self.watcher.erased, self.watcher.tokens, tables.contents)
        for landing in self.landings.values():
            landing.at_rest()

    @invariant()
    def nothing_is_wrong(self) -> None:
        self.watcher.look()
        self.counts.remembered += what_is_remembered_is_what_would_be_planned(self.world)

    def _mend(self) -> None:
        """What was archived lands again, and what is damaged is set aside."""
        self._count("mend")
        self.watcher.look()
        for dataset, landing in self.landings.items():
            held = self.watcher.held_of(dataset)
            for name in [name for name in landing.gone if name in held]:
                self._land(Upstream.AGAIN, dataset, name, landing.contents[held[name]])
        mend_all(self.world, shown=False)
        self.watcher.forget_lost()
        for name, version in self.cut.items():
            if not is_summed_up(self.world.lake, name, version):
                self.watcher.rewind(name, version)
        self.cut.clear()
        self.watcher.look()

    def _backfilled(self) -> list[str]:
        """Do all that is due; what failed."""
        return [one.failure for one in alone(partial(self.world.backfill, self.world.planner(), self.watcher.look)) if one.failure]

    def _stays_refused(self) -> bool:
        """All that is due is done, and what is refused, and nothing else, is as it was and due. Then contracts refuse it no more."""
        before = {name: self.watcher.tables.newest(f"silver/{name}") for name in self.landings}
        failed, found = self._backfilled(), refused_now(self.world, self.watcher.tables)
        assert bool(failed) == bool(found), f"{found or 'nothing'} is refused, and there failed {failed}"
        if found:
            self._count("refused")
            what_is_refused_stays_and_is_due(self.world, self.watcher.tables, before, found)
        for dataset in found:
            self.world.versions[dataset] = FIRST
        return bool(found)

    def _archive(self, dataset: str, name: str) -> None:
        self._count(Upstream.GONE)
        self.world.archive(dataset, name)
        self.landings[dataset].archive(name, self.watcher.held_of(dataset).get(name), at_work=bool(self.writers))

    def _land(self, how: str, dataset: str, name: str, content: Content) -> None:
        self._count(how)
        self.world.land(dataset, name, content)
        self.landings[dataset].land(name, content)

    def _leave(self, dataset: str, leaves: Leaves) -> None:
        """A person is erased, after a file was sent again without their rows, if it was: those of others have moved up."""
        there, person = self.landings[dataset].there if leaves.without else {}, PEOPLE[leaves.who]
        if name := next((one for one in sorted(there) if any(person in row for row in there[one])), None):
            self._land(Upstream.FEWER, dataset, name, tuple(row for row in there[name] if person not in row))
        for begins in (Begins.INGEST, Begins.MAINTAIN, Begins.ERASE):
            if len(self.writers) < MOST_WRITERS:
                self._finish(self._start(dataset, Work(begins, None, False, leaves.who)))

    def _decided(self, dataset: str, decided: tuple[int, set[tuple[str, int]]] | None) -> None:
        if decided:
            assert (dataset, decided[0]) not in self.watcher.decided, f"two stewards were told that theirs is decision {decided[0]}"
            self.watcher.decided[dataset, decided[0]] = decided[1]

    def _held(self, dataset: str) -> str:
        """A dataset of which rows are held, if there is one: about others there is nothing to decide."""
        return next((one for one in sorted((SALES, METERS), key=dataset.__ne__) if visible(one, self.watcher.tables)), dataset)

    def _erased(self, person: str, _receipt: object) -> None:
        """There is a receipt. Who was at work before may leave files behind that he can publish no more."""
        self.watcher.erased.add(person)
        self.watcher.nobody_is_pointed_at()
        if self.writers:
            self.again.add(person)

    def _start(self, dataset: str, work: Work) -> Writer:
        """Begin a writer. What it was told of contracts it keeps."""
        world, (kind, keys, force, who, has_place) = self.world, work
        run, contract = world.run(force=force), world.contracts[dataset]
        works: dict[Begins, Callable[[], object]] = {
            Begins.INGEST: partial(make_bronze, run, contract, keys and sorted(keys)),
            Begins.REFINE: partial(make_silver, run, contract, None),
            Begins.GOLD: partial(world.gold, world.planner(force=force)),
            Begins.BACKFILL: partial(world.backfill, world.planner()),
            Begins.REPLAY: partial(world.replay, world.planner(), contract),
            Begins.DECIDE: partial(world.decide, dataset, DecisionKind.DISCARD if force else DecisionKind.RESTORE),
            Begins.ERASE: partial(world.erase, world.planner(), PEOPLE[who]),
            Begins.MAINTAIN: partial(maintain, world, world.planner()),
        }
        then: dict[Begins, Callable[[Any], None]] = {
            Begins.DECIDE: partial(self._decided, dataset),
            Begins.ERASE: partial(self._erased, PEOPLE[who]),
        }
        if kind is Begins.ERASE:
            self.watcher.leaving.add(PEOPLE[who])
        self._count(f"start {kind}")
        self.started += 1
        if kind is Begins.MAINTAIN:
            self.watcher.maintained = True
        doing = partial(world.at_a_place, works[kind]) if has_place and kind in HAVE_PLACES else works[kind]
        writer = Writer(f"{kind} {self.started}", doing, then.get(kind, lambda _: None), has_place=has_place)
        self.writers.append(writer)
        self.counts.writers[kind] += 1
        self._resume(writer, Until.NEXT)
        return writer

    def _turns(self, moves: Moves) -> None:
        for number, until in moves:
            if self.writers:
                writer = self.writers[number % len(self.writers)]
                if until is Until.END:
                    self._finish(writer)
                else:
                    self._resume(writer, until)
                    self.watcher.look()

    def _resume(self, writer: Writer, until: Until, layer: str = "") -> None:
        left = writer.at
        writer.resume(STOPS[until], layer)
        if left is not None:
            self.counts.segments[left.kind] += 1
        note(f"{writer.name}: {left or 'begins'} -> {writer.at or 'its end'}")
        if writer.done:
            self._judge(writer)

    def _finish(self, writer: Writer) -> None:
        """Let it go on to its end. While it waits, all others go on, until they wait or end, too."""
        while not writer.done:
            if not self._goes_on(writer) and not any(self._goes_on(other) for other in [*self.writers] if other is not writer):
                raise WaitsForEver(f"Everybody waits for somebody else. {standing(self.writers)}")

    def _goes_on(self, writer: Writer) -> bool:
        """Let it go on to its end, or until it waits; whether it got anywhere."""
        for moved in range(MOST_SEGMENTS):
            left = writer.at
            self._resume(writer, Until.END)
            self.watcher.look()
            if writer.done:
                return True
            if writer.waits and writer.at == left:
                return moved > 0
        raise WaitsForEver(f"{writer.name} went on {MOST_SEGMENTS} times, and has come to no end. {standing(self.writers)}")

    def _judge(self, writer: Writer) -> None:
        """How a writer may end: by itself, by giving way to another, by what the storage did to it, or because it was told to."""
        self.writers.remove(writer)
        error = writer.error
        self.counts.ends[type(error).__name__ if error else "done"] += 1
        if error is None:
            self.watcher.look()
            writer.then(writer.result)
        expected = (
            error is None
            or isinstance(error, (*GIVES_WAY, Ended))
            or (isinstance(error, (StorageFault, StepFailed)) and writer.faulted)
            or (isinstance(error, (TableDamaged, FileUnreadable)) and (self.hurt or (self.watcher.maintained and not writer.has_place)))
        )
        nothing_goes_of_whoever_is_at_work(writer.name, error, has_place=writer.has_place, hurt=self.hurt)
        if not expected:
            raise AssertionError(f"{writer.name} ended with {type(error).__name__}: {error}") from error

    def _count(self, name: str) -> None:
        self.counts.rules[name] += 1
