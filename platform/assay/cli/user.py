"""Who gives a command: noted wherever a person decides something."""

from __future__ import annotations

import getpass

from assay.errors import SettingsError


def user_name() -> str:
    """The user of this process. Raises SettingsError for one without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError) as nameless:
        raise SettingsError("Tried to note who decides; the user of this process has no name.", hint="Say it with --by.") from nameless
