"""Tales: each is a home, a command that works on it, and what a person runs when the machine is there again.

All begin with the people of `people.py`: Ada is in every place where a row can be, and there is gold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import warm

from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Callable

    from people_world import People
    from shim import Story

ADA, BOB, EVE = "ada.planted@secret.example", "bob.other@secret.example", "eve.third@secret.example"
REMARK = "Planted remark of hers"
BACKFILL = ("backfill",)
SILVER = ("backfill", "--select", 'not group:"gold"')
ERASE = ("erase", "--subject", "customer", "--value-from", "-", "--by", "tester", "--yes")
DISCARD = ("quarantine", "discard", "payments", "--rule", "amount_minimum", "--reason", "no", "--by", "tester", "--yes")
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

    def start(self, people: People, story: Story | None = None) -> Child:
        """Let the command begin."""
        return start(people, *self.command, stdin=self.stdin, story=story)

    def go_on(self, people: People) -> None:
        """What a person runs next."""
        for command in self.next:
            if command == self.command:
                run(people, *command, stdin=self.stdin, refusal=self.done_already)
            else:
                run(people, *command)


def start(people: People, *arguments: str, stdin: str = "", story: Story | None = None) -> Child:
    """A command as a process of its own, of which a story may be told."""
    return Child.start(warm.work, stdin, *arguments, environment=people.environment | (story.environment if story else {}))


def run(people: People, *arguments: str, stdin: str = "", refusal: str | None = None) -> str:
    """Run a command that must succeed, or refuse in some words; returns what it said."""
    child = start(people, *arguments, stdin=stdin)
    said = child.rest()
    refused = refusal is not None and refusal in said
    assert child.code == 0 or refused, f"`assay {' '.join(arguments)}` ended with {child.code}: {said[-1500:]}"
    return said


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


TALES = {
    one.name: one
    for one in (
        Tale("first", landed, BACKFILL, gold_there=False),
        Tale("again", corrected, BACKFILL),
        Tale("replay", loosened, REPLAY),
        Tale("discard", published, DISCARD, (DISCARD, BACKFILL), done_already="no such row to discard"),
        Tale("erase", published, ERASE, (ERASE, BACKFILL), ADA + "\n"),
        Tale("rotate", published, ("keys", "rotate"), (("keys", "list"), BACKFILL)),
    )
}
