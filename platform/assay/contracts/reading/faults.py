"""Every fault of a contract, of whatever kind, in the order of its lines: the standard first, then what Assay needs and keeps.

All are looked for, so that one does not hide the next. A document without any can be read (`odcs.py`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from assay.contracts.documents.custom_properties import custom_faults
from assay.contracts.documents.json_schema import standard_faults
from assay.contracts.documents.supported import deprecation_faults, head_faults, landing_faults, object_faults, server_faults, table_faults
from assay.contracts.documents.tables import FILE, is_gold_document, objects, tables
from assay.contracts.language.names import unnameable
from assay.contracts.reading.column_names import repeated_names, unusable_names
from assay.contracts.reading.columns import column_faults, expression_faults
from assay.contracts.reading.gold_faults import computed_faults, gold_faults
from assay.contracts.reading.older_major_faults import older_faults
from assay.contracts.reading.quality import quality_faults
from assay.contracts.reading.relationships import relation_faults
from assay.contracts.reading.service_levels import level_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.contracts.documents.document import Document, Finding
    from assay.contracts.documents.known_good import KnownGood
    from assay.contracts.documents.tables import Table
    from assay.contracts.model.contract import Published
    from assay.contracts.reading.relationships import Catalogue


def faults_of(
    document: Document, catalogue: Catalogue | None = None, current: Table | None = None, good: KnownGood | None = None
) -> list[Finding]:
    """What is wrong with a document. Without a catalogue of all datasets nothing is said about what it refers to.

    `current` is the highest major version of a gold model whose older one the document is. What is `good` is not validated again.
    """
    found = [*document.faults]
    if document.body:
        found += good.standard_faults(document) if good else standard_faults(document)  # first: it marks what the others must not look into
        found += _faults(document, catalogue, current)
    return sorted(dict.fromkeys(found), key=lambda one: one.line)


def _faults(document: Document, catalogue: Catalogue | None, current: Table | None) -> Iterator[Finding]:
    yield from custom_faults(document)
    yield from head_faults(document)
    published = tables(document)
    single = published[0] if len(published) == 1 else None
    yield from level_faults(document, single)
    if is_gold_document(document):
        yield from gold_faults(document, single)
        if single and catalogue is not None:
            yield from older_faults(document, single, current) if current else computed_faults(document, single)
    else:
        yield from server_faults(document)
        yield from object_faults(document)
        yield from landing_faults(document)
        for _, place in objects(document, FILE):
            yield from repeated_names(document, place)
            yield from unusable_names(document, place)
        for table in published:
            yield from table_faults(document, table)
            yield from unusable_names(document, table.place)
            yield from _event_time_faults(document, table)
    for table in published:
        if why := unnameable(table.name):
            yield document.finding(why[0], (*table.place, "name"), why[1])
        yield from deprecation_faults(document, table)
        yield from repeated_names(document, table.place)
        yield from column_faults(document, table)
        yield from quality_faults(document, table)
        yield from relation_faults(document, table, catalogue)


def _event_time_faults(document: Document, table: Table) -> Iterator[Finding]:
    event_time = table.custom.values.get("eventTime")
    if isinstance(event_time, dict) and table.landing is not None:
        place = (*table.custom.places["eventTime"], "expression")
        yield from expression_faults(document, event_time["expression"], place, table.landing)


def repeated_rules(document: Document, contract: Published) -> Iterator[Finding]:
    """The rules of a contract that share a name, which would be counted as one."""
    names = Counter([rule.name for rule in contract.rules] + [rule.name for rule in contract.dataset_rules])
    for name, times in names.items():
        if times > 1:
            place = tables(document)[0].place
            yield document.finding(f"{times} rules have the name {name!r}", place, "Broken rows are counted by the rule's name.")
