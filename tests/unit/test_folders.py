"""A folder that has changed is put together from what was known of it before: always as if it was looked at for the first time."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from assay.ingest import folders
from assay.ingest.folders import Folder, folder_of
from assay.ingest.landing import days_in, leads_out
from assay.lake.bounded_cache import BoundedCache

PATH = "{arrival:yyyy-MM-dd}*.csv"
names = st.sampled_from(["2024-03-01.csv", "2024-03-01_1.csv", "2024-03-02.csv", ".2024-03-02.csv", "2024-03-32.csv", "note.txt"])
changes = st.tuples(names, st.sampled_from(["write", "write", "remove", "folder", "link inside", "link outside", "rights"]))


def change(folder: Path, name: str, how: str) -> None:
    path = folder / name
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    elif how not in {"write", "rights"}:
        path.unlink(missing_ok=True)
    if how == "write":
        path.write_bytes(os.urandom(5))
    elif how == "rights" and path.exists():
        path.chmod(0o640 if path.stat().st_mode & 0o777 == 0o600 else 0o600)
    elif how == "folder":
        path.mkdir()
    elif how.startswith("link"):
        (folder / "target").touch()
        path.symlink_to(folder / "target" if how == "link inside" else "/etc/passwd")


def known() -> BoundedCache[tuple[Path, str], Folder]:
    return BoundedCache(lambda folder: len(folder.marks), 1_000)


@given(looks=st.lists(st.lists(changes, max_size=6), min_size=2, max_size=6))
def test_what_is_known_of_a_folder_is_what_lies_there(looks: list[list[tuple[str, str]]]) -> None:
    before = folders._last
    try:
        with TemporaryDirectory() as place:
            folder, remembered = Path(place), known()
            for made in looks:
                for name, how in made:
                    change(folder, name, how)
                folders._last = remembered
                seen = folder_of(folder, "")
                found = days_in(folder, "", seen, PATH)
                folders._last = known()
                anew = folder_of(folder, "")
                assert [*found.items()] == [*days_in(folder, "", anew, PATH).items()]
                assert seen.newest_ns(PATH) == anew.newest_ns(PATH)
                assert {*seen.folders} == {*anew.folders}
                listed = {name for day in found.values() for name in day.names}
                assert listed == {
                    one.name
                    for one in folder.iterdir()
                    if one.name[0] != "." and one.name.endswith(".csv") and "03-32" not in one.name and one.is_file() and not leads_out(one)
                }
    finally:
        folders._last = before
