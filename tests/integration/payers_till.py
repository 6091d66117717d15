"""A till: payments of two people and their sums, which name nobody; a person can be erased from it in this process, and writers be stopped on the way."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from calendar_products import SQL, Calendars, totals

from assay.erasure.removing import Person
from assay.gold import step
from assay.lake.erasures import Erasure, erasures
from assay.masking.keyring import new_entry
from assay.orchestration.backfill import Backfill
from assay.orchestration.build import assemble
from assay.orchestration.erasing import Erasing
from people import MEMBER, PAYMENT, csv_of, write_people

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from assay.orchestration.backfill import Ran
    from assay.orchestration.plan import Planner
    from assay.settings import Settings

ADA, BOB = "ada.planted@secret.example", "bob.other@secret.example"
PAID = {"2024-01-31": [(ADA, 1), (ADA, 2)], "2024-02-03": [(ADA, 4), (BOB, 8)], "2024-02-04": [(BOB, 16)], "2024-03-05": [(BOB, 32)]}


@dataclass
class Till:
    """Payments of two people and their sums by day, which name nobody; and sums of these sums."""

    product: Calendars
    said: list[str] = field(default_factory=list)

    @classmethod
    def opened(cls, folder: Path) -> Till:
        """One whose sums are made."""
        till = cls.open(folder)
        assert set(till.product.backfill().values()) == {None}
        assert till.sums() == ({"2024-01-01": 3, "2024-02-01": 28, "2024-03-01": 32},) * 2
        return till

    @classmethod
    def open(cls, folder: Path) -> Till:
        product = Calendars(folder)
        write_people(product.contracts)
        summed = SQL.format(
            sources="select payment_date, amount from {{ source('silver', 'payments') }}", moment="payment_date", amount="amount"
        )
        product.model("sums", ["payments"], sql=summed.replace("as payment_date,", "as moment,"), quality="")
        product.model("again", ["gold/sums"], quality="")
        till = cls(product)
        ring = till.settings.home / "masking.keys"
        ring.parent.mkdir(parents=True, exist_ok=True)
        ring.touch(0o600)
        ring.write_text(new_entry())
        till.land("members", "2024-01-01", csv_of(MEMBER, [{"email": ADA}, {"email": BOB}]))
        for day, rows in PAID.items():
            numbered = [{"day": day, "payment": str(n), "payer": who, "amount": str(paid)} for n, (who, paid) in enumerate(rows, 1)]
            till.land("payments", day, csv_of(PAYMENT, numbered))
        return till

    @property
    def settings(self) -> Settings:
        return self.product.world.settings

    def land(self, dataset: str, day: str, text: str) -> None:
        path = self.settings.landing / dataset / f"{dataset}_{day}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def copy_to(self, folder: Path) -> Till:
        shutil.copytree(self.product.folder, folder)
        return Till(Calendars(folder))

    def erase(self, who: str = ADA, meanwhile: Callable[[], object] = lambda: None) -> Erasure:
        assembly = assemble(self.settings, self.product.contracts)
        job = assembly.definitions.resolve_implicit_global_asset_job_def()

        def rebuild(planner: Planner) -> Iterable[Ran]:
            meanwhile()
            return Backfill(job, planner, self.product.world.instance).execute(lambda _: None)

        return Erasing(assembly.planner, Person("customer", who), "tester", rebuild, self.said.append).execute()

    def sums(self) -> tuple[dict[str, int], dict[str, int]]:
        return totals(self.product.world, "gold/sums"), totals(self.product.world, "gold/again")

    def states(self) -> list[str]:
        return [one.state for one in erasures(self.settings.lake)]


def stops_before_it_publishes(folder: Path) -> None:
    """In a process of its own: build what is due, and stop with what is built and tested, before it is published. Says how it ended."""
    real, stops = step.publish, iter([True])

    def publish(*arguments: Any, **named: Any) -> Any:
        if next(stops, False):
            print("built", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return real(*arguments, **named)

    step.publish = publish
    print("failed:", set(Till(Calendars(folder)).product.backfill().values()) - {None}, flush=True)
