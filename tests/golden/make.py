"""Make the golden lake of the format version of today: `.venv/bin/python tests/golden/make.py`.

It is made once, when a format version is born, by the code of that release; see README.md. It refuses to replace one that is there.
"""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
import tempfile
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent / "integration")]

from calendar_products import Calendars  # noqa: E402  # after the path
from golden_lake import MODEL, SEEN, Golden  # noqa: E402
from key_lives import contract_text  # noqa: E402
from order_shop import day  # noqa: E402
from people_world import MODEL as SQL  # noqa: E402

from assay.lake.format import FORMAT  # noqa: E402
from assay.lake.log import LOG, checkpoint, entry  # noqa: E402
from orders import csv_text, write_contracts  # noqa: E402

ADA, BOB, CID = "ada@golden.example", "bob@golden.example", "cid@golden.example"
BORN = 1_704_067_200  # the log's times begin on 2024-01-01: a clock that shows an earlier time than a commit is not believed
PACKED = ("home/lake", "home/landing", "home/masking.keys", "contracts", MODEL, SEEN)


def land(golden: Golden) -> None:
    """Three people with masked columns, and payments that are published, twice there, held, without a day, and of a refused day."""
    golden.members([{"email": who, "full_name": f"Golden {who[:3]}"} for who in (ADA, BOB, CID)])
    golden.payments("2024-01-01", [{"payer": ADA}, {"payer": BOB}, {"payer": ADA, "payment": "1"}, {"payer": BOB, "amount": "-6"}])
    golden.payments("2024-01-02", [{"payer": CID}, {"payer": BOB}, {"payer": "nobody@golden.example"}, {"payer": ADA, "day": "someday"}])
    golden.payments("2024-01-03", [{"payer": ADA, "amount": "-1"}])  # too many are rejected
    golden.payments("2024-02-01", [{"payer": ADA}])
    golden.land("customers", day(1), "customer\nada\nbob\n")
    golden.land("orders", day(1), csv_text([{"number": str(n)} for n in (1, 2, 3)]))
    golden.land("orders", day(2), csv_text([{"day": day(2), "number": n, "customer": who} for n, who in (("1", "bob"), ("4", "eve"))]))


def live(golden: Golden) -> None:
    """What people do: backfill, correct a file, decide, erase, archive a file, let expire what is too old by any clock."""
    land(golden)
    golden.run("backfill", code=1)
    golden.payments("2024-01-01", [{"payer": ADA, "amount": "11"}, {"payer": BOB}, {"payer": BOB, "amount": "-6"}])
    golden.land("orders", day(3), csv_text([{"day": day(3), "number": "2"}, {"day": day(3), "number": "5"}]))
    golden.run("backfill", code=1)
    discard = ("quarantine", "discard", "payments", "--rule", "amount_minimum", "--partition", "2024-01-01")
    golden.run(*discard, "--reason", "not wanted", "--by", "steward@golden.example", "--yes")
    golden.run("erase", "--subject", "customer", "--by", "office@golden.example", "--yes", stdin=CID)
    golden.run("backfill", code=1)  # those whose payers are looked up in what the erasure has made again
    (golden.home / "landing/payments/payments_2024-02-01.csv").unlink()  # archived
    golden.run("maintain", "--retention", "--allow-empty")
    silver = golden.home / "lake/silver/payments"
    for version in range(checkpoint(silver)):
        entry(silver / LOG, version).unlink()


def make(folder: Path) -> Golden:
    """A lake of the code of today below a folder, with what is seen in it."""
    golden = Golden.make(folder)
    write_contracts(golden.contracts, contract_text())
    kept = "slaProperties:\n  - {property: retention, value: 30, unit: d}\n"
    meter = Calendars(folder).readings("meter", levels=kept, end="2024-02-01", arrival_end="2024-02-10")
    for number in (1, 2):
        meter.land("meter", day(number), [(f"{day(number)}T10:00:00+00:00", number)])
    shutil.copy(FOLDER.parent / "fixtures/masking.keys", golden.home)
    (golden.home / "masking.keys").chmod(0o600)
    golden.run("init")
    golden.run("contracts", "compile")
    with mock.patch("assay.lake.log.time", SimpleNamespace(time=count(BORN).__next__)):
        live(golden)
    (folder / MODEL).write_text(SQL)
    (folder / SEEN).write_text(json.dumps(golden.look() | {"due": golden.due()}, indent=1, sort_keys=True) + "\n")
    return golden


def pack(folder: Path, archive: Path) -> None:
    """Everything that is wanted of it, with no name, no time and no user of this machine."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mtime, info.uid, info.gid, info.uname, info.gname = BORN, 0, 0, "", ""
        return info

    with tarfile.open(archive, "x:xz") as packed:
        for name in PACKED:
            packed.add(folder / name, name, filter=plain)


def main() -> None:
    """Make it in a temporary folder, and pack it."""
    archive = FOLDER / f"format-{FORMAT}.tar.xz"
    if archive.exists():
        sys.exit(f"{archive.name} is there: a golden lake is what its release has written, and is never made again.")
    with tempfile.TemporaryDirectory() as scratch:
        make(Path(scratch))
        pack(Path(scratch), archive)
    print(f"{archive.name}: {archive.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
