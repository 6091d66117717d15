"""Draft a contract from a sample: rows of text in, ODCS text out, with every guess said. A pure function: no file, no clock, no chance.

A draft is a beginning. It accepts the rows of its own sample, but for the few that its types cannot read, and those it counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.compiling.expressions import sql_expression
from assay.contracts.inference.calendar import NO_EVENT_TIME, event_dates, guess_arrival, guess_calendar
from assay.contracts.inference.column_words import free_name, published_names
from assay.contracts.inference.document import ColumnDraft, Parts, document, masking_of
from assay.contracts.inference.guesses import Guess, counted, trust
from assay.contracts.inference.keys import guess_key, guess_scope
from assay.contracts.inference.personal_data import personal_columns
from assay.contracts.inference.profile import HAVE_A_NULL, OWN_NULL, null_values, profiles
from assay.contracts.inference.rules import promises
from assay.contracts.inference.types import TYPES, guess_type
from assay.contracts.model.contract import Grain
from assay.contracts.model.reserved_names import unusable
from assay.errors import PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from assay.contracts.inference.calendar import Calendar
    from assay.contracts.inference.guesses import Sample
    from assay.contracts.inference.personal_data import Personal
    from assay.contracts.inference.profile import Profile
    from assay.contracts.inference.types import Typed

DATASET = re.compile(r"[a-z][a-z0-9_]*")
BASE = re.compile(r"_(date|at|time|ts|timestamp|day|dt|datetime|on)$|^(date|at|time|ts|timestamp|day|dt|datetime|on)$")
# what a personal column may be typed as: a number of a person is a name, not an amount
PERSONAL_TYPES, BIRTH_TYPES = (), ("date", "timestamp", "integer")


class DraftImpossible(PermanentFailure):
    """A sample says too little, or something that no contract could say."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted contract: its YAML text, where files land, every guess, and the columns that look personal with the masking proposed.

    `refused` counts, by published column, the rows of the sample that the contract will not accept: there can be no others.
    """

    text: str
    path: str
    guesses: tuple[Guess, ...]
    personal: Mapping[str, str]
    refused: Mapping[str, int]

    def doubtful(self, most: int) -> list[Guess]:
        """The guesses with the least certainty, those first."""
        return sorted(self.guesses, key=lambda guess: guess.certainty)[:most]


def draft_contract(frame: pl.DataFrame, sample: Sample) -> Draft:
    """Draft the contract of a sample: `frame` has the landing columns as text, null where a value is absent, one row per record.

    Raises DraftImpossible for no rows, a name that no dataset or column can have, an event time that no row has.
    """
    _refuse(frame, sample)
    nulls = OWN_NULL if sample.format in HAVE_A_NULL else null_values(frame)
    profiled = profiles(frame, nulls)
    personal = personal_columns(profiled)
    types = {profile.name: _typed(profile, sample, personal.get(profile.name)) for profile in profiled}
    if sample.event_time not in {None, NO_EVENT_TIME} and types[str(sample.event_time)].reads.logical not in {"date", "timestamp"}:
        raise DraftImpossible(
            f"{sample.event_time} was asked for as event time, but its values are {types[str(sample.event_time)].reads.logical}.",
            hint="Name a column of dates or times, or `none` for a snapshot.",
        )
    distinct = {
        name: hit.kind.tells_apart and masking_of(hit, types[name].reads.logical)["method"] == "tokenize" for name, hit in personal.items()
    }
    key = guess_key(_cleaned(frame, types), profiled, types, distinct)
    arrival = guess_arrival(sample)
    calendar = guess_calendar(profiled, types, personal, arrival, sample.event_time)
    names = published_names(frame.columns)
    columns = [
        _column(profile, name, types[profile.name], personal, is_key=profile.name in key.columns)
        for profile, name in zip(profiled, names, strict=True)
    ]
    partition = _partition_name(calendar, (*names, *frame.columns)) if calendar.column is not None else None
    scope = None
    if calendar.column is not None:
        event = profiled[frame.columns.index(calendar.column)]
        scope = guess_scope(_cleaned(frame, types), key, event_dates(frame[event.name], event, types[event.name]), calendar.grain)
    parts = Parts(sample, frame.height, nulls, columns, key, calendar, arrival, partition, scope)
    masked = {c.name: f"{c.personal.kind.what}, {masking_of(c.personal, c.typed.reads.logical)['method']}" for c in columns if c.personal}
    return Draft(document(parts), arrival.path, tuple(_guesses(parts)), masked, _refused(parts))


def _refuse(frame: pl.DataFrame, sample: Sample) -> None:
    if not DATASET.fullmatch(sample.dataset):
        raise DraftImpossible(f"{sample.dataset!r} is no name of a dataset.", hint="Small letters, digits and _, such as web_orders.")
    if not frame.columns or any(not name.strip() for name in frame.columns):
        raise DraftImpossible(f"{sample.file} has a column without a name.", hint="Give every column of the header a name.")
    if found := next(filter(None, map(unusable, frame.columns)), None):
        raise DraftImpossible(
            f"{sample.file} has a column that no contract can name: {found}.", hint="Have it called otherwise in the file."
        )
    if len({name.lower() for name in frame.columns}) < len(frame.columns):
        raise DraftImpossible(
            f"{sample.file} has columns whose names differ by capital letters only.",
            hint="DuckDB, Spark and Delta take them for one: have one called otherwise in the file.",
        )
    if not frame.height:
        raise DraftImpossible(f"{sample.file} has no rows.", hint="Take a file with some hundred rows: guesses need something to count.")
    if sample.event_time not in {None, NO_EVENT_TIME, *frame.columns}:
        raise DraftImpossible(f"{sample.file} has no column {sample.event_time!r}.", hint=f"Its columns: {', '.join(frame.columns)}.")


def _typed(profile: Profile, sample: Sample, personal: Personal | None) -> Typed:
    only = TYPES if personal is None else BIRTH_TYPES if personal.kind.is_date else PERSONAL_TYPES
    return guess_type(profile, sample.declared.get(profile.name), only)


def _cleaned(frame: pl.DataFrame, types: Mapping[str, Typed]) -> pl.DataFrame:
    """The rows as they are published: two texts that are cleaned to one are one value of a key."""
    expressions = {name: typed.reads.reading.expression(name) for name, typed in types.items()}
    return frame.with_columns(sql_expression(text, frame.columns).alias(name) for name, text in expressions.items() if text)


def _column(profile: Profile, name: str, typed: Typed, personal: Mapping[str, Personal], *, is_key: bool) -> ColumnDraft:
    hit = personal.get(profile.name)
    masked = masking_of(hit, typed.reads.logical)["method"] if hit else None
    required = None
    if not profile.absent and masked != "nullify":
        required = Guess(f"{profile.name}: required", f"none of {counted(profile.rows, 'row')} lacks it", trust(profile.rows))
    return ColumnDraft(profile, name, typed, required, hit, () if hit else promises(profile, typed, is_key=is_key))


def _partition_name(calendar: Calendar, taken: Sequence[str]) -> str:
    """Named after the event time: `order_date` makes `order_day` or `order_month`. A landing column's name would be cast, not filled."""
    unit = "month" if calendar.grain is Grain.MONTH else "day"
    base = BASE.sub("", published_names([str(calendar.column)])[0]) or "event"
    return free_name(f"{base}_{unit}", taken)


def _refused(parts: Parts) -> dict[str, int]:
    found = {column.name: column.typed.unreadable for column in parts.columns if column.typed.unreadable}
    if parts.partition and (lost := parts.calendar.lost):
        found[parts.partition] = lost
    return found


def _guesses(parts: Parts) -> list[Guess]:
    calendar = parts.calendar
    whole = (parts.nulls.guess, parts.key.guess, parts.arrival.guess, calendar.event, calendar.grain_guess, calendar.start_guess)
    found = [guess for guess in (*whole, calendar.lateness_guess, parts.scope) if guess is not None]
    found += [parts.sample.dialect_guess] if parts.sample.dialect_guess else []
    for column in parts.columns:
        found.append(Guess(f"{column.name}: {column.typed.reads.logical}", column.typed.reason, column.typed.certainty))
        found += [column.required] if column.required else []
        found += dict.fromkeys(promise.guess for promise in column.promises)  # a name may give both bounds
        if column.personal:
            found.append(Guess(f"{column.name}: {column.personal.kind.classification}", column.personal.reason, column.personal.certainty))
    return found
