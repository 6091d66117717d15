"""The kinds of change that a contract can go through, and the verdict on each: one table, so that a verdict is looked up and never argued.

Compatibility is said in the words of Avro (https://avro.apache.org/docs/1.12.0/specification/#schema-resolution) and of Confluent's Schema
Registry (https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html). Which kind a difference is belongs
to the modules beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bump(IntEnum):
    """Which part of a version must grow (semver.org)."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    def __str__(self) -> str:
        return self.name.lower()


class Compatibility(StrEnum):
    """Backward: readers with the new contract can use old data. Forward: readers with the old contract can use new data. Full: both."""

    FULL = "full"
    BACKWARD = "backward"
    FORWARD = "forward"
    NONE = "none"

    @classmethod
    def of(cls, *, backward: bool, forward: bool) -> Compatibility:
        """Name a pair of answers."""
        return {(True, True): cls.FULL, (True, False): cls.BACKWARD, (False, True): cls.FORWARD, (False, False): cls.NONE}[
            backward, forward
        ]


class Affected(StrEnum):
    """Who has to do something, or to know."""

    READERS = "readers"
    PRODUCERS = "producers"


R, P = Affected.READERS, Affected.PRODUCERS
BOTH = (R, P)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a kind of change means. `words` says that nothing but words for people changed; `privacy` that more may become readable."""

    title: str
    backward: bool
    forward: bool
    affects: tuple[Affected, ...]
    migrate: str
    words: bool = False
    privacy: bool = False

    @property
    def bump(self) -> Bump:
        """Major when readers of the published table break in either direction, patch for words, minor for everything between."""
        if not (self.backward and self.forward):
            return Bump.MAJOR
        return Bump.PATCH if self.words else Bump.MINOR


def _full(title: str, affects: tuple[Affected, ...], migrate: str, *, privacy: bool = False) -> Verdict:
    return Verdict(title, backward=True, forward=True, affects=affects, migrate=migrate, privacy=privacy)


def _words(title: str, migrate: str = "Nothing to do.") -> Verdict:
    return Verdict(title, backward=True, forward=True, affects=(), migrate=migrate, words=True)


def _backward(title: str, affects: tuple[Affected, ...], migrate: str, *, privacy: bool = False) -> Verdict:
    return Verdict(title, backward=True, forward=False, affects=affects, migrate=migrate, privacy=privacy)


def _forward(title: str, affects: tuple[Affected, ...], migrate: str) -> Verdict:
    return Verdict(title, backward=False, forward=True, affects=affects, migrate=migrate)


def _none(title: str, affects: tuple[Affected, ...], migrate: str, *, privacy: bool = False) -> Verdict:
    return Verdict(title, backward=False, forward=False, affects=affects, migrate=migrate, privacy=privacy)


BESIDE = "Add a column of the new form under a new name, deprecate this one, and remove it in a later major version."
NEW_TABLE = "The published table cannot hold both forms: publish the new form as a new dataset, move the readers, then retire this one."
TOKENS = "Values of before and after do not join: rebuild every partition (`assay backfill`), and let readers rebuild what they derived."
BEFORE_STRICTER = "Backfill: old rows that break it go to quarantine. See first how many there are, with severity warning."
NO_LONGER = "Tell readers which values may come, and let them handle those before the first one arrives."

KINDS: Mapping[str, Verdict] = {
    # columns
    "column_added": _full("nullable column added", (R,), "Nothing breaks: old partitions read as null until they are rebuilt."),
    "required_column_added": _forward(
        "required column added", BOTH, "Add it as nullable, backfill, and make it required once every old partition has a value."
    ),
    "column_removed": _backward("column removed", (R,), "Deprecate it for one minor version, move its readers, and remove it then."),
    "column_removed_early": _backward(
        "deprecated column removed before its day", (R,), "Keep it until the day that was promised to its readers."
    ),
    "column_renamed": _none("column renamed", (R,), "Publish both names from one source, deprecate the old one, and remove it later."),
    "columns_reordered": _full("columns in another order", (R,), "Read by name: whoever reads by position must follow."),
    "type_widened": _backward("type widened", (R,), f"Old readers may overflow, and the table refuses another type. {BESIDE}"),
    "type_narrowed": _forward("type narrowed", BOTH, f"Old values may not fit, and the table refuses another type. {BESIDE}"),
    "type_changed": _none("type changed", BOTH, f"The table refuses another type for a column that it has. {BESIDE}"),
    "type_respelled": _words("type spelled otherwise"),
    "made_required": _forward("made required", BOTH, "Backfill first: rows without a value go to quarantine."),
    "made_nullable": _backward("made nullable", (R,), f"Readers must expect nulls, and the table keeps its NOT NULL. {BESIDE}"),
    "key_changed": _none("primary key changed", (R,), f"Rows are other rows: joins and deduplication change. {NEW_TABLE}"),
    "key_scope_widened": _forward(
        "key counts in the whole table", (R,), "Backfill everything: of rows of several partitions with one key the last arrival is left."
    ),
    "key_scope_narrowed": _backward("key counts in each partition only", (R,), "Readers must expect one key in several partitions."),
    "key_reordered": _full("primary key in another order", (R,), "Nothing to do: rows are stored in another order."),
    "unit_changed": _none("unit changed", BOTH, f"Same type, other meaning: no reader can see it in the values. {BESIDE}"),
    "unit_removed": _none("unit no longer said", (R,), "Say the unit again; readers cannot know what the numbers mean."),
    "unit_said": _full("unit said at last", (R,), "Nothing to do if the values were in it before; else it is a changed unit."),
    "source_changed": _none("filled from another source", (R,), f"The values may be others. {BESIDE}"),
    "sources_changed": _full(
        "said to be made from other landing columns", (R,), "If the code fills it otherwise, the values are others: give it a new name."
    ),
    "landing_name_changed": _full("its landing column has another name", (P,), "Agree with the producer on the first file that has it."),
    "text_format_changed": _forward("read in another format", BOTH, "Text that landed before cannot be read so: read both in a transform."),
    "text_zone_changed": _none("read as another zone's clock", (R,), f"The same texts are other instants. {BESIDE}"),
    # privacy
    "classification_raised": _backward("classification raised", (R,), "Readers without clearance lose the column: tell them since when."),
    "classification_lowered": _full("classification lowered", (R,), "More people may read it: have the data owner approve.", privacy=True),
    "classification_changed": _backward(
        "classification changed", (R,), "The two classes have no known order: have the data owner approve.", privacy=True
    ),
    "masking_added": _none("masked from now on", (R,), f"{TOKENS} Old versions of the table still show the plain values."),
    "masking_removed": _none("no longer masked", (R,), f"Plain values show: have the data owner approve. {TOKENS}", privacy=True),
    "masking_loosened": _none("masked less", (R,), f"More of the values shows: have the data owner approve. {TOKENS}", privacy=True),
    "masking_tightened": _none("masked more", (R,), TOKENS),
    "masking_changed": _none("masked in another way", (R,), f"Have the data owner approve. {TOKENS}", privacy=True),
    "subject_changed": _full(
        "identifies another subject", (R,), "Requests to erase or to disclose must find it: check them.", privacy=True
    ),
    # deprecation and lifecycle
    "deprecated": _full("deprecated", (R,), "Move to the column that is named instead, before the day that is named."),
    "deprecation_extended": _full("stays longer than was said", (R,), "Nothing to do."),
    "deprecation_shortened": _backward("goes earlier than was said", (R,), "Its readers have less time than was promised: ask them."),
    "deprecation_withdrawn": _full("no longer deprecated", (R,), "Nothing to do."),
    "deprecation_reworded": _words("deprecation reworded"),
    "life_extended": _full("lives longer than was said", (R,), "Nothing to do."),
    "life_shortened": _backward("lives shorter than was said", (R,), "Its readers have less time than was promised: ask them."),
    "end_announced": _full("an end is announced", (R,), "Move readers before that day."),
    "status_advanced": _full("status", (R,), "Nothing to do."),
    "status_deprecated": _full("deprecated as a whole", (R,), "Move readers to what replaces it."),
    "status_withdrawn": _backward("its promise is withdrawn", (R,), "Nothing is promised any more: move readers first."),
    # rules
    "rule_added": _forward("rule added", BOTH, BEFORE_STRICTER),
    "rule_tightened": _forward("rule tightened", BOTH, BEFORE_STRICTER),
    "rule_severity_raised": _forward("rule now rejects", BOTH, BEFORE_STRICTER),
    "rule_removed": _backward("rule removed", (R,), NO_LONGER),
    "rule_loosened": _backward("rule loosened", (R,), NO_LONGER),
    "rule_severity_lowered": _backward("rule no longer rejects", (R,), NO_LONGER),
    "rule_changed": _none("rule changed", BOTH, f"It may be stricter and looser at once. {BEFORE_STRICTER} {NO_LONGER}"),
    "rule_renamed": _full("rule renamed", (R,), "Alerts and queries on quarantine that name the rule must follow."),
    "rules_reordered": _full("rules in another order", (R,), "Quarantine names the first rule that a row breaks: counts by rule change."),
    "rule_reworded": _words("rule reworded"),
    "warning_changed": _full("warning changed", (P,), "Nothing to do: a warning rejects no row. Its counts change."),
    "completeness_tightened": _forward("fewer rejected rows allowed", BOTH, "Old partitions may have more: see `assay summary`."),
    "completeness_loosened": _backward("more rejected rows allowed", (R,), "Readers must expect partitions that lack more rows."),
    # time and partitions
    "event_time_changed": _none("event time", BOTH, f"Rows move to other partitions. {NEW_TABLE}"),
    "event_format_changed": _forward(
        "event time read in another format", BOTH, "Files that landed before cannot be read so: let the expression accept both."
    ),
    "partitioning_changed": _none("partitioning", (R,), f"Partitions of both grains would lie side by side. {NEW_TABLE}"),
    "range_extended": _full("more partitions", (R,), "Nothing breaks: partitions are added."),
    "range_cut": _backward("fewer partitions", (R,), "Readers lose the partitions outside: tell them before."),
    "arrival_changed": _none(
        "arrival partitions", BOTH, "Bronze would hold rows of both grains: remove the bronze table and ingest the landing files anew."
    ),
    "arrival_range_changed": _full("arrivals that are taken", (P,), "Agree with the producer on the first and the last file."),
    "reach_changed": _full("how far a build reads", (P,), "Months are rebuilt after late rows in the new reach."),
    "lateness_raised": _backward("rows may come later", (R,), "Readers must wait longer before they take a partition as final."),
    "lateness_lowered": _full("rows must come earlier", (P,), "Agree with the producer; a later row still reopens its partition."),
    "current_included": _backward(
        "partitions published before they are over", (R,), "The newest partition grows: readers must not take it as whole."
    ),
    "current_excluded": _backward("partitions published once they are over", (R,), "The newest rows come later: tell readers before."),
    "freshness_weakened": _backward("fresh later", (R,), "Move the schedules of readers behind the new promise."),
    "freshness_strengthened": _full("fresh earlier", (P,), "Agree with the producer: the promise is kept only if files come in time."),
    "retention_shortened": _backward("kept for a shorter time", (R,), "Readers lose old data: let them copy what they need."),
    "retention_extended": _full("kept longer", (R,), "Nothing breaks. Longer storage of personal data needs a reason.", privacy=True),
    # what lands, and the code
    "path_changed": _full("landing path", (P,), "Agree with the producer; move files that may be read again to the new path."),
    "landing_classification_changed": _full(
        "landing column classified otherwise", (P,), "Who may read bronze changes: have the data owner approve.", privacy=True
    ),
    "landing_format_changed": _full("landing format", (P,), "Files that landed before are refused when they are read again: convert them."),
    "landing_limit_changed": _full("largest file that is read", (P,), "Agree with the producer: a larger file is refused."),
    "encoding_changed": _forward("encoding", BOTH, "Files that landed before are read with other letters: convert them."),
    "dialect_changed": _full("dialect of landing files", (P,), "Files that landed before are read otherwise, or refused: convert them."),
    "number_spelling_changed": _none("how landing files spell numbers", BOTH, "Texts are read as other numbers, or as none: convert them."),
    "null_values_changed": _none("texts that mean absent", BOTH, "Values become null, or null becomes values, in every rebuilt partition."),
    "landing_rows_changed": _none("what of a landing record is a row", BOTH, "Rows are others: publish them as a new dataset."),
    "landing_path_changed": _full("paths into nested values", (), "Nothing to do: bronze is built again with them."),
    "landing_column_added": _full("landing column added", (P,), "Files without it are refused: say `required: false` until all have it."),
    "optional_landing_column_added": _full("optional landing column added", (P,), "Nothing to do: files may have it or not."),
    "landing_column_removed": _full("landing column removed", (P,), "Files that have it are refused, those that landed before as well."),
    "landing_column_made_optional": _full("landing column made optional", (P,), "Nothing to do: files may lack it."),
    "landing_column_made_required": _full("landing column made required", (P,), "Files without it are refused, old ones as well."),
    "landing_columns_reordered": _full("landing columns in another order", (P,), "Nothing to do: files are read by name."),
    "transform_changed": _none("transform", (R,), "The code may fill columns otherwise: compare a rebuilt partition with a published one."),
    # the dataset
    "dataset_added": _full("dataset added", (), "Nothing to do."),
    "dataset_removed": _backward("dataset removed", (R,), "Give it the status retired for one version, move its readers, then remove it."),
    "dataset_renamed": _none("dataset renamed", BOTH, NEW_TABLE),
    "grain_reworded": _none("what a row is, without a key that says it", (R,), f"If the grain is the same, give it a key. {NEW_TABLE}"),
    "reworded": _words("words"),
    "owner_changed": _words("owner", "Readers and alerts go to the new owner."),
    "unclassified": _none("a field that no rule of evolution knows", BOTH, "Nobody has judged this field: take it as breaking."),
}  # fmt: skip
