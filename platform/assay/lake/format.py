"""The format: the version of everything that Assay writes into a lake and reads back, beside what Delta itself says of a table.

It counts the names and meanings of the `txn` entries (fingerprints, publications, files, calendars, fences, what has expired), of the keys
of commits and of footers, and the columns of quarantine, claims, decisions, erasures and receipts. Each entry that Assay writes to a log
says the version, as a `txn` entry of its own: unlike what a commit says of itself, checkpoints keep it, and so does whoever cleans the log.
What is raised with it, and what else is due then: docs/decisions/0059.
"""

from __future__ import annotations

FORMAT = 1  # a table whose log does not say is of version 1
FORMAT_APP = "assay-format"  # the app id in the Delta log
