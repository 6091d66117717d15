"""Mending: what is damaged of a table is set aside, so that the plan finds what has to be made again. Nothing is deleted.

It goes to the folder `_damaged` of its table, which no reader of Delta looks into. An entry of the log that cannot be read is replaced by
one that says nothing: versions never go back, so nobody who has seen the lost one can take its number. Whoever had read the table before it
was mended is kept out by the fence, which is raised first: a mend that is killed leaves a table that is damaged, or one that is fenced.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import PublishContention, TableDamaged
from assay.lake.accounts import LANDED
from assay.lake.damage import ASIDE, MARK, Damage, is_entry, log_damage
from assay.lake.durable import sync_folder
from assay.lake.erasures import raise_fence
from assay.lake.features import newer
from assay.lake.fence import FENCE, RECORDS, known_elsewhere
from assay.lake.foreign import FILES, number_of_files
from assay.lake.format import FORMAT
from assay.lake.log import LOG, commit, entry_name, info, put, put_in_place, txn
from assay.lake.log_entries import checkpoints_of, versions_of
from assay.lake.migrations import TOKEN
from assay.lake.publisher import ATTEMPT_ID, ATTEMPTS, removals_of
from assay.lake.snapshots import Snapshot, newest, open_snapshot, partition_key
from assay.lake.tokens import format_left, tokens_left

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.lake.snapshots import DataFile

SUFFIX = ".damaged"  # of a data file that was set aside: nobody takes it for one that can be read
NOBODYS = 0  # the fingerprint of a partition that was taken out: nothing is made from that


def mend(root: Path, name: str, found: Sequence[Damage], *, let_go: bool) -> list[str]:
    """Set aside what was found damaged of a table; returns what was done. What is made again by its layer is not `let_go`.

    Raises FormatNewer for a table of a newer format, as far as what is left of its log says so.
    """
    if not is_table(root / name):
        return [leave_a_note(root / name)]
    _refuse_newer(root, name)
    done = mend_log(root, name)
    files = [one for one in found if one.file]
    return done if newest(root, name) is None else done + mend_files(root, name, files, let_go=let_go)


def _refuse_newer(root: Path, name: str) -> None:
    log = root / name / LOG
    if log.is_dir() and (found := format_left(log)) > FORMAT:
        raise newer(name, found, log, max(versions_of(log), default=0))


def mend_log(root: Path, name: str) -> list[str]:
    """Let the log of a table be read again; returns what was done. Without its beginning nothing of it is known: all is set aside."""
    folder, done = root / name, list[str]()
    log, found = folder / LOG, log_damage(folder)
    for one in [one for one in found if not is_entry(one.path) and one.path != LOG]:
        done.append(set_aside(folder, one.path))
    checkpoints = checkpoints_of(log) if log.is_dir() else {}
    base = max(checkpoints, default=-1)
    found = log_damage(folder)
    if any(one.path == LOG or (base < 0 and one.path == f"{LOG}/{entry_name(0)}") for one in found):
        return [*done, _begin_anew(root, name)]
    if any(is_entry(one.path) for one in found):
        _keep_out(root, name, len(found))
    for one in found:
        if is_entry(one.path):
            done.append(_say_nothing(folder, int(Path(one.path).stem)))
    try:
        open_snapshot(root, name)
    except TableDamaged:
        return [*done, _begin_anew(root, name)]
    return [*done, f"{name} is at version {max(versions_of(log), default=base)}"] if done else []


def _begin_anew(root: Path, name: str) -> str:
    if name != RECORDS:
        _raise_above(root, name)  # a table without files is kept by the fence of the lake
    said = set_all_aside(root / name)
    if name == RECORDS:
        _raise_above(root, name)
    return said


def _say_nothing(folder: Path, version: int) -> str:
    """Replace an entry by one that is whole and changes nothing."""
    path, nothing = f"{LOG}/{entry_name(version)}", [info("MEND", _ours())]
    if (folder / path).is_file():
        said = set_aside(folder, path, stays=True)
        put_in_place(folder, version, nothing)
    else:
        said = set_aside(folder, path)
        put(folder, version, nothing)
    return f"{said}; that version says nothing now"


def _ours() -> dict[str, str]:
    """By which a commit is known for one of ours."""
    return {ATTEMPT_ID: f"mended {uuid.uuid4().hex[:12]}"}


def _keep_out(root: Path, name: str, lost: int) -> None:
    """Raise the fence of a table that nobody can open until it is mended, above all that `lost` entries may have had."""
    folder = root / name
    known = max(known_elsewhere(root, name), tokens_left(folder / LOG).get(TOKEN + FENCE, 0))
    number = (known + lost + 1 if known else 0) if name == RECORDS else _raise_above(root, name)
    while number and not put(folder, max(versions_of(folder / LOG), default=-1) + 1, [info("MEND", _ours()), txn(TOKEN + FENCE, number)]):
        pass  # somebody else mends it


def _raise_above(root: Path, name: str) -> int:
    """Raise the fence of the lake above all that any other table knows; returns the number, 0 if nobody was ever erased."""
    known = known_elsewhere(root, name)
    if newest(root, RECORDS) is None and not known:
        return 0
    while (number := raise_fence(root, [])) <= known:
        pass  # or writers that are kept out of a table would never come in again
    return number


def set_aside(folder: Path, path: str, *, stays: bool = False) -> str:
    """Move something of a table to where no reader looks; returns what a person reads of it.

    It `stays` where it was, too, when whoever calls puts something else in its place: the newest entry of a log that was only moved away
    would take its version back if the mend was killed there.
    """
    source, target = folder / path, _new_room(folder) / path
    if not (source.exists() or source.is_symlink()):
        return f"{path} was missing"
    target = target.with_name(target.name + SUFFIX)
    target.parent.mkdir(parents=True, exist_ok=True)
    if stays:
        target.hardlink_to(source)
    else:
        source.rename(target)
    for changed in (target.parent, source.parent, folder):
        sync_folder(changed)
    return f"{path} was set aside as {target.relative_to(folder)}"


def _new_room(folder: Path) -> Path:
    """A folder for what is set aside now, which no other has been set aside to."""
    return folder / ASIDE / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:6]}"


def set_all_aside(folder: Path) -> str:
    """Move all of a table: it begins anew. Its data files keep their names, so that an erasure finds people in them."""
    target = _new_room(folder)
    target.mkdir(parents=True)
    for one in sorted(folder.iterdir()):
        if one.name not in {ASIDE, MARK}:
            one.rename(target / one.name)
    (folder / MARK).unlink(missing_ok=True)
    for changed in (target, folder):
        sync_folder(changed)
    return f"all of it was set aside in {target.relative_to(folder)}, and it begins anew"


def mend_files(root: Path, name: str, damaged: Sequence[Damage], *, let_go: bool) -> list[str]:
    """Set damaged data files aside. With `let_go` the table does not name them any more either: what was in them is lost."""
    done = [set_aside(root / name, one.path) for one in damaged if one.file]
    if let_go and (files := [one.file for one in damaged if one.file]):
        _take_out(root, name, files)
        done.append(f"{name} has {len(files)} files less, {sum(file.rows for file in files)} rows")
    return done


def _take_out(root: Path, name: str, files: Sequence[DataFile]) -> None:
    """Commit a version without some files, on top of whatever is there."""
    gone = {file.path for file in files}
    for _ in range(ATTEMPTS):
        snapshot = open_snapshot(root, name)
        removals = removals_of(snapshot, lambda file: file.path in gone)
        numbers = [txn(app, number) for app, number in _without(snapshot, files).items()]
        if commit(snapshot.table, [info("MEND", _ours()), *numbers, *removals]) is not None:
            return
    raise PublishContention(f"Tried {ATTEMPTS} times to take {len(gone)} damaged files out of {name}.")


def _without(table: Snapshot, files: Sequence[DataFile]) -> Mapping[str, int]:
    """What the log says of bronze's arrivals once some files are gone: as they are then, and made from nothing that is known."""
    if not table.name.startswith("bronze/"):
        return {}
    gone, found = {file.path for file in files}, dict[str, int]()
    for key in {partition_key(file) for file in files}:
        left = [file for file in table.files if partition_key(file) == key and file.path not in gone]
        rows = sum(file.rows for file in left)
        found |= {TOKEN + key: NOBODYS, TOKEN + FILES + key: number_of_files(left), TOKEN + LANDED + key: rows}
    return found


def is_table(folder: Path) -> bool:
    """Whether a folder is, or was, a table."""
    return (folder / LOG).exists() or (folder / MARK).exists()


def leave_a_note(folder: Path) -> str:
    """Of a table that is gone: that somebody knows of it."""
    (folder / ASIDE).mkdir(parents=True, exist_ok=True)
    sync_folder(folder)
    return "nothing of it is left; it begins anew"
