"""`assay permissions`: what of the home is open to others than those for whom it is, and a way to close it."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.cli.homes import settings_of_home
from assay.permissions import misfits, others_of

SOME = 10


def permissions(
    mend: Annotated[bool, typer.Option("--mend", help="Give what is this user's the mode and group that it should have.")] = False,  # noqa: FBT002  # a flag
) -> None:
    """Say what of the home others may use, or its group (ASSAY_GROUP) may not; exit with 1 if there is anything.

    Example: assay permissions --mend
    """
    settings = settings_of_home()
    found = list(misfits(settings, mend=mend))
    left = [one for one in found if not one.mended]
    for one in left[:SOME]:
        typer.echo(f"  {one.mode:04o}  {one.path}")
    if len(left) > SOME:
        typer.echo(f"  and {len(left) - SOME} more")
    if mended := len(found) - len(left):
        typer.echo(f"Mended: {mended} files and folders.")
    closed = settings.home not in [one.path for one in left]
    behind = f"; {others_of(settings)} cannot reach them, because {settings.home} is closed" if left and closed else ""
    typer.echo(f"{len(left)} files and folders have another mode or group than they should{behind}." if left else "All is as it should be.")
    raise typer.Exit(1 if left else 0)
