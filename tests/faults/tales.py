"""Tales: each is a home, a command that works on it, and what a person runs when the machine is there again.

All begin with the people of `people.py`: Ada is in every place where a row can be, and there is gold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import warm
from warm import run

from ageing import aged
from assay.lake.snapshots import open_snapshot
from assay.orchestration.clock import now
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from people_world import People
    from shim import Story

ADA, BOB, EVE = "ada.planted@secret.example", "bob.other@secret.example", "eve.third@secret.example"
REMARK = "Planted remark of hers"
BACKFILL = ("backfill",)
SILVER = ("backfill", "--select", 'not group:"gold"')
ERASE = ("erase", "--subject", "customer", "--value-from", "-", "--by", "tester", "--yes")
DISCARD = ("quarantine", "discard", "payments", "--rule", "amount_minimum", "--reason", "no", "--by", "tester", "--yes")
RESTORE = ("quarantine", "restore", "payments", "--rule", "amount_minimum", "--by", "tester", "--yes")
MEND = ("check-lake", "--mend")
LOSE = ("check-lake", "bronze/payments", "decisions/payments", "--mend")
EXPIRE = ("maintain", "--retention")
MAINTAIN = ("maintain",)
REPLAY = ("quarantine", "replay", "payments")


@dataclass(frozen=True)
class Tale:
    """`made` brings a home, in which nothing has landed, to where the command begins; `next` are the commands that follow a kill."""

    name: str
    made: Callable[[People], None]
    command: tuple[str, ...]
    next: tuple[tuple[str, ...], ...] = (BACKFILL,)
    stdin: str = ""
    gold_there: bool = True
    done_already: str | None = None  # how the command refuses to be run again
    damaged: tuple[str, ...] = ()  # the tables that nobody can read until the command has ended

    def start(self, people: People, story: Story | None = None) -> Child:
        """Let the command begin, as a process of its own, of which a story may be told."""
        environment = people.environment | (story.environment if story else {})
        return Child.start(warm.work, self.stdin, *self.command, environment=environment)

    def go_on(self, people: People) -> None:
        """In a worker: what a person runs next."""
        for command in self.next:
            if command == self.command:
                run(people, *command, stdin=self.stdin, refusal=self.done_already)
            else:
                run(people, *command)


def paid(who: str, **said: str) -> dict[str, str]:
    return {"payer": who, "remark": REMARK if who == ADA else f"thanks from {who[:3]}", **said}


def landed(people: People) -> None:
    """Two months, with a duplicate, rows that break rules, and one without a date."""
    people.members([{"email": ADA, "full_name": "Planted Ada"}, {"email": BOB}, {"email": EVE}])
    people.payments("2024-01-01", [paid(ADA), paid(BOB), paid(ADA, payment="1"), paid(BOB, amount="-5"), paid(ADA, day="someday")])
    people.payments("2024-01-02", [paid(EVE), paid(ADA, amount="-7"), paid(BOB)])
    people.payments("2024-02-01", [paid(EVE), paid(ADA)])


def published(people: People) -> None:
    landed(people)
    run(people, *BACKFILL)


def corrected(people: People) -> None:
    """A new key masks, a file was corrected, one is late, and a member has moved."""
    published(people)
    run(people, "keys", "rotate")
    people.payments("2024-01-01", [paid(BOB), paid(BOB, amount="-5")])
    people.payments("2024-02-02", [paid(EVE), paid(ADA, amount="-1")])
    people.members([{"email": ADA, "full_name": "Planted Ada"}, {"email": BOB, "town": "Ulm"}, {"email": EVE}])


def loosened(people: People) -> None:
    """A contract has less to say, so that held rows are good now."""
    published(people)
    people.edit("payments", "logicalTypeOptions: {minimum: 0}", "logicalTypeOptions: {minimum: -6}")


def discarded(people: People) -> None:
    published(people)
    run(people, *DISCARD)


def damaged(people: People) -> None:
    """Of some tables a file is missing, empty or cut off, and all of it can be made again."""
    published(people)
    newest_entry(people, "silver/payments").write_bytes(b"")
    data_file(people, "gold/paid_by_town").unlink()
    cut = data_file(people, "quarantine/payments")
    cut.write_bytes(cut.read_bytes()[:100])


def lossy(people: People) -> None:
    """What is lost of bronze has not been archived: it lands again. Who decided what is lost for good."""
    discarded(people)
    data_file(people, "bronze/payments").unlink()
    data_file(people, "decisions/payments").unlink()


def newest_entry(people: People, table: str) -> Path:
    return max((people.home / "lake" / table / "_delta_log").glob("*.json"))


def data_file(people: People, table: str) -> Path:
    """The first that the newest version names."""
    return people.home / "lake" / table / min(file.path for file in open_snapshot(people.home / "lake", table).files)


def expiring(people: People) -> None:
    """Payments of January are older than they are kept now; gold keeps what it has made of them."""
    published(people)
    head = "schema:\n  - name: payments_landing"
    days = (now().date() - date(2024, 2, 1)).days
    people.edit("payments", head, f"slaProperties:\n  - {{property: retention, value: {days}, unit: d}}\n{head}")


def outlived(people: People) -> None:
    """Everything was made twice, long ago: there are old files of each table, and somebody who was killed has left a private folder."""
    corrected(people)
    run(people, *BACKFILL)
    aged(people.home / "lake", 20)
    left = people.home / "scratch" / "work-left"
    left.mkdir(parents=True)
    (left / "owner.lock").touch()


def regrained(people: People) -> None:
    """Payments are of months from now on: each of its tables is replaced whole."""
    published(people)
    people.edit("payments", "{grain: day, start: 2024-01-01, end: 2024-04-01}", "{grain: month, start: 2024-01-01, end: 2024-04-01}")


TALES = {
    one.name: one
    for one in (
        Tale("first", landed, BACKFILL, gold_there=False),
        Tale("again", corrected, BACKFILL),
        Tale("replay", loosened, REPLAY),
        Tale("discard", published, DISCARD, (DISCARD, BACKFILL), done_already="no such row to discard"),
        Tale("erase", published, ERASE, (ERASE, BACKFILL), ADA + "\n"),
        Tale("restore", discarded, RESTORE, (RESTORE, BACKFILL), done_already="no such row to restore"),
        Tale("mend", damaged, MEND, (MEND, BACKFILL), damaged=("silver/payments", "gold/paid_by_town", "quarantine/payments")),
        Tale("lose", lossy, LOSE, (LOSE, BACKFILL), damaged=("bronze/payments", "decisions/payments")),
        Tale("regrain", regrained, BACKFILL),
        Tale("expire", expiring, EXPIRE, (EXPIRE, BACKFILL)),
        Tale("maintain", outlived, MAINTAIN, (MAINTAIN, BACKFILL)),
        Tale("rotate", published, ("keys", "rotate"), (("keys", "list"), BACKFILL)),
    )
}
