"""The sensor `alerts`: looks what is wrong, remembers what is news, and has it sent. It starts no run.

A tick either sends or looks. What a look finds is in the cursor before it is sent, so a daemon that is killed while it sends has the same
messages sent again. A sink that fails is tried again after pauses; meanwhile the looks and the other sinks go on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import dagster as dg

from assay.alerting.delivery import deliver
from assay.alerting.edges import follow
from assay.alerting.sinks import LogSink
from assay.alerting.state import Memory
from assay.alerting.wording import About, Wording
from assay.ingest.folders import one_look
from assay.orchestration.alert_look import Looking, by_id
from assay.orchestration.clock import wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from assay.alerting.alert import Message
    from assay.alerting.declared import Declared
    from assay.alerting.sinks import Sink
    from assay.contracts.model.gold_contract import ProductContracts
    from assay.orchestration.loadable import LeftOut
    from assay.orchestration.plan import Planner

    Clock = Callable[[], datetime]

NAME, SECONDS = "alerts", 30
SHOWN = 5


@dataclass(frozen=True)
class Alerts:
    """Alerts of one product: where it is looked, what is declared, and how messages are worded."""

    planner: Planner
    declared: Declared
    wording: Wording
    left_out: Sequence[LeftOut] = ()

    def looked(self, memory: Memory, instance: dg.DagsterInstance, now: datetime) -> Memory:
        """What is remembered after a look, with what is news to be sent."""
        looking = Looking(self.planner, instance, self.declared, now, by_id(memory.opened))
        look, ends = looking.look(self.left_out, memory.ends)
        opened, news = follow(memory.opened, look, now)
        return replace(memory, opened=opened, ends=ends).with_news(news, self.wanted_by)

    def wanted_by(self, message: Message) -> Iterator[str]:
        """The sinks that want a message."""
        return (sink.name for sink, wanted in self.declared.sinks if wanted.has(message))

    def sinks(self, say: Callable[[str], None] | None = None) -> dict[str, Sink]:
        """The sinks by name; a log is where `say` writes."""
        found = (replace(sink, say=say) if say and isinstance(sink, LogSink) else sink for sink, _ in self.declared.sinks)
        return {sink.name: sink for sink in found}


def alerts_of(planner: Planner, product: ProductContracts, declared: Declared, name: str, left_out: Sequence[LeftOut] = ()) -> Alerts:
    """The alerts of a product; `name` is what it is called unless alerts.yaml says."""
    return Alerts(planner, declared, Wording(declared.product or name, declared.link, about(product)), left_out)


def about(product: ProductContracts) -> Mapping[str, About]:
    """Whom messages about a dataset or a model concern, from its contract."""
    return {
        name: About(contract.owner, tuple(" ".join(filter(None, (one.name, one.url))) for one in contract.about.support))
        for name, contract in {**product.datasets, **product.models}.items()
    }


def alert_sensor(alerts: Alerts, clock: Clock = wall_clock, name: str = NAME) -> dg.SensorDefinition:
    """A sensor that tells of what begins, grows and clears."""

    @dg.sensor(
        name=name,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of failed partitions, missed deadlines, stale data and damage, once when each begins and once when it clears,"
        f" to {', '.join(f'{sink.name} ({sink.type})' for sink, _ in alerts.declared.sinks)}. It starts no run.",
    )
    @one_look()
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        memory = Memory.load(context.cursor).only(sink.name for sink, _ in alerts.declared.sinks)
        said = list[str]()
        if memory.to_send(alerts.sinks(), clock()):
            memory, said = deliver(memory, alerts.sinks(context.log.warning), alerts.wording, clock)
            for one in said:
                context.log.warning(one)
        else:
            memory = alerts.looked(memory, context.instance, clock())
        cursor, why = memory.dump(), " ".join([_told(memory), *said])
        return dg.SkipReason(why) if cursor == context.cursor else dg.SensorResult(skip_reason=why, cursor=cursor)

    return sensor


def _told(memory: Memory) -> str:
    """What is open, and what waits, in a sentence."""
    named = [f"{one.kind} {one.subject}".strip() for one in memory.opened[:SHOWN]]
    more = f" and {len(memory.opened) - SHOWN} more" if len(memory.opened) > SHOWN else ""
    opened = f"Open: {', '.join(named)}{more}." if named else "Nothing is open."
    waiting = len(memory.waiting)
    return opened + (f" {waiting} {'message waits' if waiting == 1 else 'messages wait'} to be sent." if waiting else "")
