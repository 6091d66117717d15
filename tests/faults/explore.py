"""All faults of some tales, from the command line: `python tests/faults/explore.py kills,cuts first erase`; see CONTRIBUTING.md.

`kills` builds what is left by a kill before and after each commit, rename, link, unlink and sync, `cuts` each disk that a power cut could
leave there. What can then be read must be whole, and what is run next must end as if nothing had happened. `real` really kills, and
`served` kills the runs of `assay serve`, and then the server.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import shim

TESTS = Path(__file__).parents[1]
MEMORY = Path("/dev/shm")  # a fault is no matter of the disk below, and here a sync costs nothing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", help="of kills, cuts, real and served, with commas between them")
    parser.add_argument("tales", nargs="+", help="of tales.py, or all")
    parser.add_argument("--spread", type=int, help="so many moments of all, evenly spread; without it all")
    parser.add_argument(
        "--at", type=int, nargs="*", help="these moments instead, of kills that are real or served: one that was wrong, again"
    )
    parser.add_argument("--whole", type=int, help="so many of the disks are worked on; the others are only read")
    parser.add_argument("--instance", action="store_true", help="kill at the boundaries of Dagster's SQLite files, too")
    parser.add_argument("--seed", type=int, default=0, help="of what a cut leaves by chance")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="so many homes are judged at a time")
    said = parser.parse_args()
    if why := shim.missing():
        print(why)
        return 2
    if "FAULTS_FOLDER" not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="faults-", dir=MEMORY if MEMORY.is_dir() else None))
        with_shim = {"FAULTS_FOLDER": str(folder), "LD_PRELOAD": str(shim.compiled(folder))}  # what is forked must have begun with it
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | with_shim)
    sys.path[:0] = [str(TESTS / "integration"), str(TESTS)]
    return explore(said, Path(os.environ["FAULTS_FOLDER"]))


def explore(said: argparse.Namespace, folder: Path) -> int:
    from disks import End
    from ending import CUTS, Wanted, end
    from killing import kill
    from served import kill_served
    from tales import TALES
    from trying import INSTANCE, Calm, Tally, ready
    from warm import workers

    os.umask(0o077)  # a home is its owner's
    with workers(said.workers) as those:
        tally, kinds = Tally(those), {*said.what.split(",")}
        begin = those.submit(ready, folder / "ready").result()
        for name in TALES if said.tales == ["all"] else said.tales:
            if recorded := ((End.KILL,) if "kills" in kinds else ()) + (CUTS if "cuts" in kinds else ()):
                calm = Calm.live(TALES[name], those, begin, folder / name, recorded=True)
                end(calm, folder, Wanted(recorded, said.spread, said.whole, said.instance, said.seed), tally)
            if "real" in kinds:
                calm = Calm.live(TALES[name], those, begin, folder / name, skipped="" if said.instance else INSTANCE)
                kill(calm, folder, said.at or calm.moments(said.spread), tally)
            if "served" in kinds:
                calm = Calm.live(TALES[name], those, begin, folder / name, skipped=INSTANCE)
                kill_served(calm, folder, said.at or calm.moments(said.spread), tally)
            print(f"{name}: {tally}", flush=True)
    print(f"{said.what} of {', '.join(said.tales)}: {tally}")
    if not tally.wrong:
        shutil.rmtree(folder)
    return bool(tally.wrong)


if __name__ == "__main__":
    sys.exit(main())
