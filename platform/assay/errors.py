"""Typed errors: what was attempted, what was found, what to do.

Every error that Assay raises on purpose is one of these. A `PermanentFailure` will fail again on the same input, so retries stop; a
`TransientFailure` may succeed when it is tried again. Nothing here knows a table, a file format or Dagster.
"""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# what another attempt finds as it was; any other error of the system may be the moment's
STAYS = {
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL,
}  # fmt: skip
OF_THE_INPUT = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, NotImplementedError, ImportError)
ENGINES = {"polars", "pyarrow", "pandera"}  # whose errors, other than the system's, come from rows, expressions and types


class AssayError(Exception):
    """Base of every error that Assay raises on purpose; `hint` says what to do about it."""

    hint = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = self.hint if hint is None else hint
        super().__init__(f"{message} {self.hint}".strip())

    def __reduce__(self) -> tuple[partial[AssayError], tuple[str]]:
        """Pickled as it was made: by default the whole text would become the message, and the hint be there twice."""
        return partial(type(self), hint=self.hint), (self.message,)


class PermanentFailure(AssayError):
    """The same input will fail in the same way: do not retry."""


class TransientFailure(AssayError):
    """The outside world got in the way: the same call may succeed later."""


class SettingsError(PermanentFailure):
    """An environment variable or a path cannot be used."""


class TableMissing(PermanentFailure):
    """A table was read before anything was published to it."""

    hint = "Materialize the asset first; `assay tables` lists what is there."


class TableUnreadable(PermanentFailure):
    """A table cannot be read as it is. Others are not concerned: whoever works on many tables goes on with them."""


class LayerClosed(TableUnreadable):
    """The tables of a layer, or of the whole lake, cannot be listed by this user: nobody here can say what is there."""

    hint = "Let this user read that folder. What lies elsewhere is not concerned."


class FormatNewer(TableUnreadable):
    """A table was written by a newer Assay, in a format that this one does not know."""

    hint = "Use that Assay, or a newer one; docs/upgrades.md says how to go back. Nothing was changed. Other tables are not concerned."


class TableDamaged(TableUnreadable):
    """What lies on the disk of a table is not what was committed: its log, or a file that the log names."""

    hint = "`assay check-lake` says what is lost and how it is mended. Other tables are not concerned."


class SliceInvalid(PermanentFailure):
    """A slice does not name whole partitions of its table, so publishing it could replace rows it does not own."""

    hint = "Give one value for each partition column of the table."


class RowsOutsideSlice(PermanentFailure):
    """Rows would land in a partition, or at an event time, that this run does not own."""

    hint = "Check the event time: a run may write only the partitions it was asked for. Nothing was changed."


class SchemaDrift(PermanentFailure):
    """The columns of a frame are not the columns of its table."""

    hint = "Change the contract (or `may_add_columns`), not the table. Nothing was changed."


class NullsInRequiredColumn(PermanentFailure):
    """A column that must not be null has nulls."""

    hint = "Let the contract quarantine such rows, or make the column optional. Nothing was changed."


class TimeOutOfRange(PermanentFailure):
    """A date or time lies outside the years 1 to 9999, the only ones that every reader of the lake has."""

    hint = "Correct it, or make it null. Nothing was changed."


class PartitionsMissing(PermanentFailure):
    """Partitions were asked for that were never published: what is there would be taken for everything."""

    hint = "Publish them first."


class FrameNotSupported(PermanentFailure):
    """An object is not one of the frame kinds that can be stored or loaded."""


class UnsupportedTableFeature(TableUnreadable):
    """A Delta table uses a feature that reading by file list would silently ignore."""

    hint = "Assay never writes such tables: find out who changed it, and rewrite it without that feature."


class Superseded(TransientFailure):
    """Somebody else published this partition after this run had read its inputs."""

    hint = "Run it again: it will start from the newer inputs. Nothing was changed."


class Fenced(Superseded):
    """An erasure has begun since this run had read its inputs."""


class PublishContention(TransientFailure):
    """Other writers won the commit every time until the patience ran out."""

    hint = "Run it again, or lower the parallelism of the pool. Nothing was changed."


class ContractInvalid(PermanentFailure):
    """A contract does not say what it must, or says what nobody can obey."""

    hint = "docs/contracts.md lists what a contract may say."


class FileUnreadable(PermanentFailure):
    """A landing file cannot be read at all: truncated, of another encoding, without header, with ragged rows."""

    hint = "Have the file sent again; its partition was not changed."


class PartitionsFailed(PermanentFailure):
    """Some partitions of a range did not meet their contract; the others were published."""

    hint = "They keep their last good version, and what is built from them waits."


def may_pass(error: BaseException) -> bool:
    """Whether the same attempt may succeed later. What comes from the input, or from how things lie on the disk, will fail again."""
    if isinstance(error, AssayError):
        return not isinstance(error, PermanentFailure)
    if isinstance(error, OSError):
        return error.errno not in STAYS
    return not isinstance(error, OF_THE_INPUT) and type(error).__module__.partition(".")[0].lstrip("_") not in ENGINES


def few_of(names: Sequence[str], most: int, between: str = ", ") -> str:
    """The first of some names, and how many more there are: a message is read by a person."""
    return between.join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
