"""What a contract says of any published dataset, whether it lands or is computed: columns, key, rules, life, words.

Each function reads one part of a document without faults.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from assay.contracts.documents.custom_properties import read_custom
from assay.contracts.documents.supported import OWNER
from assay.contracts.documents.tables import column_items
from assay.contracts.language.date_formats import UTC, strptime_format
from assay.contracts.model.about import About, Channel, Deprecation, Member
from assay.contracts.model.contract import Column
from assay.contracts.reading.masking import read_masking
from assay.contracts.reading.quality import dataset_rules
from assay.contracts.reading.relationships import table_references
from assay.contracts.reading.rules import column_rules, expression_rules
from assay.contracts.reading.service_levels import read_levels

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from assay.contracts.documents.custom_properties import Custom
    from assay.contracts.documents.document import Document, Place
    from assay.contracts.documents.tables import Table
    from assay.contracts.model.contract import Rule

TEMPORAL = {"date", "timestamp"}


def published_parts(document: Document, table: Table, known: Collection[str], inherited: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The fields of `Published`, but for the partitioning. `known` as in `read_column`.

    `inherited` has the classification that columns have from what lands. Without it nothing is masked by default: what a gold model reads
    is masked already.
    """
    body, levels, about = document.body, read_levels(document), read_about(document)
    columns = tuple(
        read_column(document, item, place, known, None if inherited is None else inherited.get(item["name"], ""))
        for item, place in column_items(document, table.place)
    )
    keyed = sorted((item for item in table.columns.values() if item.get("primaryKey")), key=lambda item: item.get("primaryKeyPosition", 0))
    return {
        "dataset": table.name, "version": body["version"], "status": body["status"], "domain": body.get("domain", ""),
        "description": table.body.get("description", ""), "granularity": table.body.get("dataGranularityDescription", ""),
        "owner": next(member.username for member in about.members if member.role == OWNER),
        "columns": columns, "key": tuple(item["name"] for item in keyed),
        "rules": rules_of(document, table, columns), "dataset_rules": dataset_rules(document, table),
        "path": document.path.name, "digest": hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest(),
        "freshness": levels.freshness, "freshness_column": levels.freshness_column, "retention": levels.retention,
        "lifecycle": levels.lifecycle, "deprecated": read_deprecated(table.custom), "about": about,
    }  # fmt: skip


def rules_of(document: Document, table: Table, columns: Collection[Column]) -> tuple[Rule, ...]:
    """The promises about a row, but for that it can be read as its types: those of the columns, then those of the table."""
    places = [(item, place) for item, place in column_items(document, table.place)]
    of_columns = [
        rule for column, (item, place) in zip(columns, places, strict=True) for rule in column_rules(document, column, item, place)
    ]
    return (*of_columns, *expression_rules(table.body.get("quality", [])), *table_references(document, table))


def read_column(document: Document, item: Mapping[str, Any], place: Place, known: Collection[str], inherited: str | None = None) -> Column:
    """A published column. `known` are the columns that it may be read from: those of what lands, or of a higher major version.

    `inherited` is the classification of a column that says none; if it is not None, sensitive columns are masked by default.
    """
    classification = item.get("classification", inherited or "")
    custom, named = read_custom(document, place), tuple(item.get("transformSourceObjects", ()))
    single = named or (item["name"],)
    options = item.get("logicalTypeOptions", {})
    text_format, clock = options.get("format"), options.get("defaultTimezone", UTC[0])
    return Column(
        name=item["name"], logical_type=item["logicalType"], physical_type=item.get("physicalType", ""),
        required=bool(item.get("required", False)), description=item.get("description", ""),
        classification=classification, unit=custom.values.get("unit"),
        # what a transformDescription describes is filled by the transform, whatever it reads
        source=single[0] if len(single) == 1 and single[0] in known and "transformDescription" not in item else None,
        expression=item.get("transformLogic"),
        format=strptime_format(text_format) if text_format and item["logicalType"] in TEMPORAL else None,
        masking=read_masking(custom, item, "" if inherited is None else classification), subject=custom.values.get("subject"),
        deprecated=read_deprecated(custom), sources=named,
        source_zone=clock if item["logicalType"] == "timestamp" and clock not in UTC else None,
    )  # fmt: skip


def read_deprecated(custom: Custom) -> Deprecation | None:
    """Since when and until when an element stays."""
    said = custom.values.get("deprecated")
    return Deprecation(said["since"], read_date(said.get("until")), said.get("useInstead")) if said else None


def read_date(value: object) -> date | None:
    """A date of a document, which keeps them as text."""
    return None if value is None else date.fromisoformat(str(value))


def read_about(document: Document) -> About:
    """The words of a document: what it is for, and whom to ask."""
    body = document.body
    said, team = body.get("description", {}), body["team"]
    members = team.get("members", []) if isinstance(team, dict) else team
    return About(
        purpose=said.get("purpose", ""), usage=said.get("usage", ""), limitations=said.get("limitations", ""),
        tags=tuple(body.get("tags", ())), team=team.get("name", "") if isinstance(team, dict) else "",
        members=tuple(
            Member(one["username"], *(one.get(key, "") for key in ("role", "name", "description", "dateIn", "dateOut"))) for one in members
        ),
        support=tuple(
            Channel(one["channel"], *(one.get(key, "") for key in ("url", "tool", "scope", "description")))
            for one in body.get("support", ())
        ),
    )  # fmt: skip
