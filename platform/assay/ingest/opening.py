"""When a landing file is taken: told by its date, its contract's calendar, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.model.calendars import LATEST, arrival_calendar, midnight, zone_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from assay.contracts.model.calendars import Calendar
    from assay.contracts.model.contract import Contract


def taken_from(contract: Contract, day: date) -> datetime:
    """The instant from which a file of this date is taken: the end of its arrival, or its beginning where the contract says so.

    A snapshot has no arrivals: its file replaces the table from the day that it names.
    """
    calendar = arrival_calendar(contract)
    if calendar is None:
        return midnight(day, zone_of(contract))
    first = calendar.first_of(day)
    return midnight(first if calendar.current else calendar.after(first), calendar.zone)


def outside(calendar: Calendar, day: date) -> str:
    """Why a day lies in no arrival of a calendar, whatever the time; empty if it does."""
    first = calendar.first_of(day)
    if first < calendar.start:
        return f"{day} is before the first arrival of the contract, {calendar.start}"
    if not calendar.has(first):
        return f"{day} is not before the end of the contract's arrivals, {calendar.end}"
    if first < LATEST and midnight(first, calendar.zone) >= midnight(calendar.after(first), calendar.zone):
        return f"no clock in {calendar.zone} showed the day {day}"
    return ""
