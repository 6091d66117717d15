"""Hiding: what people and logs see of a row, or of an error, that holds personal data. No key is needed, because nothing is told.

Whether a value was there still shows: that is what a person looks for who mends a row.
"""

from __future__ import annotations

import errno
import os
import re
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from assay.contracts.model.sensitivity import sensitive_landing_columns
from assay.errors import AssayError, PermanentFailure, may_pass

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from assay.contracts.model.contract import Contract

HIDDEN = "***"
NUMBER = re.compile(r"\b(?:os error|errno) (\d{1,3})\b", re.IGNORECASE)  # by which engines tell what the system has refused


class StepFailed(AssayError):
    """Something went wrong among rows with personal data; what was said of it may quote them and is not repeated."""

    hint = "Run the step on rows that are not personal to see the whole message, or look at the place that is named."


class StepFailsAgain(StepFailed, PermanentFailure):
    """The same, where it will go wrong again."""


def landed_json(contract: Contract) -> pl.Expr:
    """A landed row as JSON, its sensitive values hidden."""
    import polars as pl

    sensitive = sensitive_landing_columns(contract)
    columns = [
        pl.when(pl.col(name).is_not_null()).then(pl.lit(HIDDEN)).alias(name) if name in sensitive else pl.col(name)
        for name in contract.source.columns
    ]
    return pl.struct(columns).struct.json_encode()


def words_of(problem: object, contract: Contract) -> str:
    """What an engine says of a problem, on one line; not where it could quote personal data."""
    if sensitive_landing_columns(contract):
        return "the engine's words are not shown, because they may quote personal data"
    return " ".join(str(problem).split())


@contextmanager
def nothing_quoted(*contracts: Contract, about: str = "") -> Iterator[None]:
    """Inside, no error about rows of contracts with personal data leaves with words that could be theirs: engines quote values.

    Errors of Assay's own keep their message and lose what caused them; of any other only its kind and its place are told. `about` names
    the work if that is not its contract.
    """
    sensitive = any(sensitive_landing_columns(contract) for contract in contracts)
    try:
        yield
    except AssayError as error:
        if sensitive:
            raise error.with_traceback(error.__traceback__) from None
        raise
    except Exception as error:
        if not sensitive:
            raise
        kind, work = StepFailed if may_pass(error) else StepFailsAgain, f"Tried to work on {about or contracts[0].dataset}"
        if refused := _refused(error):
            raise kind(f"{work}; {refused}.", hint="Nothing was published by that.") from None
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise kind(f"{work}; {type(error).__name__} in {Path(where.filename).name}, line {where.lineno}.") from None


def _refused(error: Exception) -> str | None:
    """What the system has refused and where, in its own words, which quote no row; None for any other error."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (told := NUMBER.search(str(error))):
        number = int(told[1])
    if number is None or number not in errno.errorcode:
        return None
    place = error.filename if isinstance(error, OSError) else None
    return f"{os.strerror(number)}: {place}" if place else os.strerror(number)
