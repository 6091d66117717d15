"""A draft as YAML text: an ODCS document in which every guess stands beside what it decided, as a comment with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.inference.column_words import sql_name, words_of
from assay.contracts.inference.guesses import counted
from assay.contracts.inference.yaml_text import because, in_a_comment, inline, scalar
from assay.contracts.language.date_formats import says_zone
from assay.contracts.model.contract import Grain, KeyScope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.contracts.inference.calendar import Arrival, Calendar
    from assay.contracts.inference.guesses import Guess, Sample
    from assay.contracts.inference.keys import Key
    from assay.contracts.inference.personal_data import Personal
    from assay.contracts.inference.profile import Nulls, Profile
    from assay.contracts.inference.rules import Promise
    from assay.contracts.inference.types import Typed

ZONE = "Etc/UTC"
UNRECOGNISED = "nothing personal was recognised, which proves nothing"


@dataclass(frozen=True, slots=True)
class ColumnDraft:
    """Everything that was guessed of one column. `name` is the published one; the profile has the one that lands."""

    profile: Profile
    name: str
    typed: Typed
    required: Guess | None
    personal: Personal | None
    promises: Sequence[Promise]


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a drafted document says."""

    sample: Sample
    rows: int
    nulls: Nulls
    columns: Sequence[ColumnDraft]
    key: Key
    calendar: Calendar
    arrival: Arrival
    partition: str | None
    scope: Guess | None = None


def document(parts: Parts) -> str:
    """The YAML text of a draft. The same parts give the same text."""
    lines = [*_head(parts), *_server(parts), "schema:", *_landing(parts), *_published(parts), *_time(parts)]
    return "\n".join(lines) + "\n"


def _head(parts: Parts) -> Iterator[str]:
    sample, dataset = parts.sample, parts.sample.dataset
    extent = "all of its rows" if sample.is_whole else "its first rows"
    yield f"# Drafted by `assay new` from {in_a_comment(sample.file)}: {counted(parts.rows, 'row')}, {extent}."
    yield "# Each `guess:` gives the reason. Correct what is wrong and delete the comments; then `assay contracts check`."
    yield "apiVersion: v3.2.0"
    yield "kind: DataContract"
    yield f"id: urn:assay:{dataset}"
    yield f"name: {scalar(dataset)}"
    yield "version: 0.1.0"
    yield "status: draft"
    yield "description:"
    yield "  purpose: To be written.  # guess: none; a sample does not tell what its rows are for"
    yield "team:"
    yield f"  name: {scalar(dataset)}  # guess: the dataset's name"
    yield f"  members: [{inline({'username': sample.owner, 'role': 'owner'})}]"


def _server(parts: Parts) -> Iterator[str]:
    sample = parts.sample
    yield "servers:"
    yield "  - server: landing"
    yield "    type: local"
    yield f"    path: {scalar(parts.arrival.path)}{because(parts.arrival.guess)}"
    yield f"    format: {sample.format}"
    said = "" if sample.encoding == "UTF-8" else because("the sample is not UTF-8; every byte has a meaning in this one, right or wrong")
    yield f"    encoding: {sample.encoding}{said}"
    yield "    customProperties:"
    if sample.dialect.said:
        yield f"      - {{property: dialect, value: {inline(sample.dialect.said)}}}{because(sample.dialect_guess)}"
    yield f"      - {{property: nullValues, value: {inline(list(parts.nulls.texts))}}}{because(parts.nulls.guess)}"


def _landing(parts: Parts) -> Iterator[str]:
    dataset = parts.sample.dataset
    yield f"  - name: {dataset}_landing"
    yield "    physicalType: file"
    yield "    description: The files as they land; all values are kept as text."
    yield "    properties:"
    for name in dict.fromkeys(parts.sample.roots.get(column.profile.name, column.profile.name) for column in parts.columns):
        yield f"      - {inline({'name': name, 'logicalType': 'string'})}"


def _published(parts: Parts) -> Iterator[str]:
    dataset, names = parts.sample.dataset, {column.profile.name: column.name for column in parts.columns}
    key = [names[name] for name in parts.key.columns]
    yield f"  - name: {scalar(dataset)}"
    yield f"    physicalName: {scalar(dataset)}"
    yield "    physicalType: table"
    yield f"    description: {scalar(f'{_spoken(dataset)}, typed and judged.')}{because('from the name')}"
    grain = f"one row per {' and '.join(key)}" if key else "one row per line of the file"
    yield f"    dataGranularityDescription: {scalar(grain)}{because(parts.key.guess)}"
    yield "    properties:"
    if parts.partition:
        yield from _partition_column(parts, parts.partition)
    for column in parts.columns:
        yield from _column(column, key)


def _partition_column(parts: Parts, name: str) -> Iterator[str]:
    what = "Day" if parts.calendar.grain is Grain.DAY else "First day of the month"
    yield f"      - name: {scalar(name)}"
    yield "        logicalType: date"
    yield "        physicalType: DATE"
    yield "        required: true"
    yield "        partitioned: true"
    yield "        partitionKeyPosition: 1"
    yield "        classification: internal"
    yield f"        description: {what} of the event, in the dataset's time zone; filled from eventTime."


def _column(column: ColumnDraft, key: Sequence[str]) -> Iterator[str]:
    reads, landing = column.typed.reads, column.profile.name
    yield f"      - name: {scalar(column.name)}"
    yield f"        logicalType: {reads.logical}{because(column.typed.reason)}"
    yield f"        physicalType: {reads.physical}"
    if column.required:
        yield f"        required: true{because(column.required)}"
    if column.name in key:
        yield "        primaryKey: true"
        yield f"        primaryKeyPosition: {key.index(column.name) + 1}"
    if column.personal:
        yield f"        classification: {column.personal.kind.classification}{because(column.personal.reason)}"
    else:
        yield f"        classification: internal{because(UNRECOGNISED)}"
    yield f"        description: {scalar(f'{_spoken(landing)}.')}{because('from the name')}"
    if landing != column.name or reads.reading.sql:
        yield f"        transformSourceObjects: [{inline(landing)}]"
    if expression := reads.reading.expression(landing):
        yield f"        transformLogic: {scalar(expression)}{because(reads.reading.said)}"
    yield from _options(column)
    for promise in column.promises:
        if promise.field == "enum":
            yield f"        enum:{because(promise.guess)}"
            yield from (f"          - {inline({'value': value})}" for value in promise.value)
    if column.personal and (masking := masking_of(column.personal, reads.logical)):
        yield "        customProperties:"
        yield f"          - {{property: masking, value: {inline(masking)}}}{because(f'a proposal for: {column.personal.kind.what}')}"


def _options(column: ColumnDraft) -> Iterator[str]:
    reads = column.typed.reads
    options = [promise for promise in column.promises if promise.field != "enum"]
    if not options and reads.format is None:
        return
    yield "        logicalTypeOptions:"
    if reads.format is not None:
        yield f"          format: {scalar(reads.format)}"
    if reads.logical == "timestamp":
        yield "          timezone: true"
        if not says_zone(str(reads.format)):
            why = "the text has no zone; name the one whose clocks it tells, such as Europe/Berlin"
            yield f"          defaultTimezone: {ZONE}{because(why)}"
    for promise in options:
        yield f"          {promise.field}: {scalar(promise.value)}{because(promise.guess)}"


def masking_of(personal: Personal, logical: str) -> dict[str, str | int]:
    """The masking that is proposed for a personal column of a type: only dates are generalized to a part, and only numbers to a width."""
    masking = dict(personal.kind.masking)
    if masking["method"] != "generalize" or logical in {"date", "timestamp"}:
        return masking
    return {"method": "generalize", "to": 10} if logical == "integer" else {"method": "tokenize"}


def _spoken(name: str) -> str:
    words = " ".join(words_of(name))
    return (words[:1].upper() + words[1:]) or "A column without a name of letters"


def _time(parts: Parts) -> Iterator[str]:
    calendar = parts.calendar
    yield "    customProperties:"
    if calendar.column is None:
        reason = "No event time: each new file replaces the whole table."
        yield f"      - {{property: eventTime, value: none, description: {inline(reason)}}}{because(calendar.event)}"
        return
    column = next(column for column in parts.columns if column.profile.name == calendar.column)
    reads = column.typed.reads
    expression = reads.reading.expression(calendar.column) or sql_name(calendar.column)
    yield "      - property: eventTime"
    yield "        value:"
    yield f"          expression: {scalar(expression)}{because(calendar.event)}"
    yield f"          format: {scalar(reads.format)}"
    yield f"          timeZone: {ZONE}{because('nothing in the sample says where days begin')}"
    yield "      - property: partitioning"
    yield f"        value: {inline({'grain': str(calendar.grain), 'start': str(calendar.start)})}{because(_both(calendar))}"
    yield "      - property: arrival"
    value = {"grain": str(_arrival_grain(parts)), "start": str(calendar.arrival_start), "lateness": calendar.lateness}
    yield f"        value: {inline(value)}{because(calendar.lateness_guess)}"
    if parts.scope:
        yield f"      - {{property: keyScope, value: {KeyScope.PARTITION}}}{because(parts.scope)}"


def _both(calendar: Calendar) -> str:
    return "; ".join(guess.reason for guess in (calendar.grain_guess, calendar.start_guess) if guess)


def _arrival_grain(parts: Parts) -> Grain:
    return parts.calendar.grain if "d" in parts.arrival.format else Grain.MONTH
