"""What the page of a contract says: everything that a reader of the dataset may rely on, in the order in which people ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.export.page import Badge, Cell, Code, Facts, Inline, Link, Page, PageLink, Section, Table
from assay.contracts.export.page_rules import dataset_rules, ending, promises_of, row_rules, span
from assay.contracts.model.contract import Contract
from assay.contracts.model.gold_contract import GoldContract
from assay.contracts.model.key_scope import has_table_key
from assay.contracts.model.sensitivity import made_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.contracts.model.about import Channel
    from assay.contracts.model.contract import Column, EventTime, Partitioning, Published
    from assay.contracts.model.landing_source import LandingSource


def page_of(contract: Published) -> Page:
    """The page of one contract."""
    badges = [f"version {contract.version}", contract.status, contract.domain]
    about = contract.about
    return Page(
        title=contract.dataset,
        badges=tuple(Badge(text) for text in badges if text),
        notices=tuple(_notices(contract)),
        lead=tuple(dict.fromkeys(filter(None, (about.purpose, contract.description)))),
        sections=tuple(_sections(contract)),
    )


def _sections(contract: Published) -> Iterable[Section]:
    yield Section("At a glance", Facts(tuple((name, cell) for name, cell in _facts(contract) if cell)))
    yield Section("Columns", _columns(contract).filled(), "As published, in this order.")
    kept = "A row that breaks an error is kept in quarantine under the rule's name; a warning is counted."
    if isinstance(contract, GoldContract):
        kept = "A month with a row that breaks an error is not published; a warning is counted."
    yield Section("Rules about a row", row_rules(contract), kept)
    if contract.dataset_rules:
        yield Section("Rules about a partition", dataset_rules(contract), "A partition that breaks an error is not published.")
    yield Section("Time and service levels", Facts(tuple((name, cell) for name, cell in _levels(contract) if cell)))
    if isinstance(contract, Contract):
        yield Section("Where the values come from", _lineage(contract).filled())
        yield Section("What lands", _landing(contract).filled(), _files(contract.source))
    if isinstance(contract, GoldContract) and contract.consumers:
        yield Section("Who reads it", _consumers(contract), "They are told before the model changes for them.")


def index_of(contracts: Iterable[Published]) -> Page:
    """The page that leads to all others."""
    rows = tuple(
        (
            (PageLink(one.dataset),), (one.layer,), (one.about.purpose or one.description,), (one.domain,), _mail(one.owner),
            (one.version,), (Badge(one.status),), (str(len(one.columns)),), (str(len(one.rules) + len(one.dataset_rules)),),
        )
        for one in contracts
    )  # fmt: skip
    head = ("Dataset", "Layer", "What it is", "Domain", "Owner", "Version", "Status", "Columns", "Rules")
    return Page(
        "Data contracts",
        (),
        (),
        ("What each dataset promises, and to whom to turn.",),
        (Section("Datasets", Table(head, rows)),),
        is_index=True,
    )


def _notices(contract: Published) -> Iterable[str]:
    if contract.deprecated:
        yield f"{contract.dataset} is deprecated {ending(contract.deprecated)}"
    for column in contract.columns:
        if column.deprecated:
            yield f"The column {column.name} is deprecated {ending(column.deprecated)}"


def _facts(contract: Published) -> Iterable[tuple[str, Cell]]:
    about = contract.about
    yield "Grain", _text(contract.granularity)
    yield "Table", (Code(f"{contract.layer}.{contract.dataset}"),)
    yield (
        "Key",
        (*_codes(contract.key), *_text(" in the whole table" if isinstance(contract, Contract) and has_table_key(contract) else "")),
    )
    yield "Owner", _mail(contract.owner)
    yield "Team", _text(about.team)
    yield "People", _listed(_member(one.name or one.username, one.role) for one in about.members if one.username != contract.owner)
    yield "Support", _listed(_channel(one) for one in about.support)
    yield "Use it for", _text(about.usage)
    yield "Mind", _text(about.limitations)
    yield "Tags", tuple(Badge(tag) for tag in about.tags)
    yield "Looks into", _listed((PageLink(dataset),) for dataset in contract.upstream)
    yield "Contract", (Code(contract.path),)


def _member(name: str, role: str) -> Cell:
    return (f"{name} ({role})" if role else name,)


def _channel(one: Channel) -> Cell:
    said = ", ".join(filter(None, (one.tool, one.scope)))
    where: Cell = (Link(one.name, one.url),) if one.url else _mail(one.name)
    return (*where, *_text(f" ({said})" if said else ""), *_text(f": {one.description}" if one.description else ""))


def _columns(contract: Published) -> Table:
    rows = tuple(
        (
            (Code(one.name), *_roles(contract, one)),
            (Code(one.physical_type or one.logical_type), *(() if one.required else (" or null",))),
            _text(one.unit or ""),
            _text(one.description),
            (*_classified(one), *_masking(one), *_text(f" identifies a {one.subject}" if one.subject else "")),
            promises_of(contract, one),
        )
        for one in contract.columns
    )  # fmt: skip
    return Table(("Column", "Type", "Unit", "Description", "Classification", "Promises"), rows)


def _roles(contract: Published, column: Column) -> Cell:
    roles = [
        ("key", column.name in contract.key),
        ("partition", column.name == contract.partitioning.column),
        ("deprecated", bool(column.deprecated)),
    ]
    return tuple(Badge(role) for role, holds in roles if holds)


def _classified(column: Column) -> Cell:
    return (Badge(column.classification),) if column.classification else ()


def _masking(column: Column) -> Cell:
    if column.masking is None:
        return ()
    detail = {"truncate": f": {column.masking.keep} characters stay", "generalize": f" to {column.masking.to}"}.get(
        column.masking.method, ""
    )
    return (f" masked, {column.masking.method}{detail}",)


def _levels(contract: Published) -> Iterable[tuple[str, Cell]]:
    life = contract.lifecycle
    if isinstance(contract, GoldContract):
        yield "Event time", (Code(contract.event_column),) if contract.event_column else ("none: the table is built whole",)
    yield "Partitions", _text(_partitions(contract.partitioning))
    if isinstance(contract, Contract):
        yield from _arriving(contract)
    told = f", told by {contract.freshness_column}" if contract.freshness_column else ""
    yield "Freshness", _text(f"the newest row is at most {span(contract.freshness)} old{told}" if contract.freshness else "")
    yield "Kept for", _text(span(contract.retention) if contract.retention else "")
    yield "Generally available", _text(str(life.general_availability or ""))
    yield "End of support", _text(str(life.end_of_support or ""))
    yield "End of life", _text(str(life.end_of_life or ""))


def _arriving(contract: Contract) -> Iterable[tuple[str, Cell]]:
    yield "Event time", _event_time(contract.event_time)
    current = ", the current one before it is over" if contract.include_current else ""
    yield "Arrivals", _text(_partitions(contract.arrival) + current)
    yield "Lateness", _text(f"rows arrive up to {contract.lateness} arrivals late" if contract.lateness else "")
    yield "Deadline", (Code(contract.schedule), " (cron)") if contract.schedule else ()
    limit = contract.rejected_share_below
    yield "Rejected rows", _text(f"fewer than {limit:.4g} of a partition's rows, else it is not published" if limit is not None else "")


def _event_time(said: EventTime | None) -> Cell:
    return (Code(said.expression), f" in {said.zone}") if said else ("none: each new file replaces the table",)


def _partitions(said: Partitioning) -> str:
    if said.start is None:
        return ""
    return f"one per {said.grain} from {said.start}" + (f", before {said.end}" if said.end else "")


def _lineage(contract: Contract) -> Table:
    rows = tuple(((Code(one.name),), _codes(made_from(contract, one)), _reading(contract, one)) for one in contract.columns)
    return Table(("Column", "Landing columns", "How"), rows)


def _reading(contract: Contract, column: Column) -> Cell:
    if column.expression:
        return (Code(column.expression),)
    if column.name == contract.partitioning.column:
        return (f"the {contract.partitioning.grain} of the event time",)
    if column.source is None:
        return ("filled by ", Code(contract.transform)) if contract.transform else ()
    return ("as it lands" if column.logical_type == "string" else f"read as {column.logical_type}",)


def _consumers(contract: GoldContract) -> Table:
    rows = tuple(((one.name,), _mail(one.contact), _codes(one.columns) or ("all columns",)) for one in contract.consumers)
    return Table(("Reader", "Contact", "Columns"), rows)


def _landing(contract: Contract) -> Table:
    source, size = contract.source, len(contract.source.columns)
    texts, classes = source.column_descriptions or ("",) * size, source.classifications or ("",) * size
    rows = tuple(
        ((Code(name),), ("may be missing",) if name in source.optional else (), (Badge(kind),) if kind else (), _text(text))
        for name, text, kind in zip(source.columns, texts, classes, strict=True)
    )
    return Table(("Landing column", "Presence", "Classification", "Description"), rows)


def _files(source: LandingSource) -> str:
    spelled = f"The files are spelled with {source.dialect.shown}." if source.dialect.said else ""
    return " ".join(filter(None, (source.description, spelled)))


def _mail(address: str) -> Cell:
    return (Link(address, f"mailto:{address}"),) if "@" in address else _text(address)


def _text(text: str) -> Cell:
    return (text,) if text else ()


def _codes(names: Iterable[str]) -> Cell:
    return _listed((Code(name),) for name in names)


def _listed(cells: Iterable[Cell]) -> Cell:
    found: list[Inline] = []
    for cell in cells:
        found += [", ", *cell] if found else cell
    return tuple(found)
