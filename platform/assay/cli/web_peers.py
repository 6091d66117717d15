"""Whose process holds the other end of a connection on this machine, as Linux tells. Nothing here judges who may come in."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
ESTABLISHED = "01"  # of one that is closing the kernel says the user 0, whose ever it was
MAPPED = "0000000000000000FFFF0000"  # an IPv4 address as a socket of IPv6 has it
LOCAL, REMOTE, STATE, USER = 1, 2, 3, 7  # the columns

Address = tuple[str, int]


def user_of(client: Address, server: Address, tables: tuple[Path, ...] = TABLES) -> int | None:
    """The id of the user whose socket is connected from `client` to `server`; None if there is none, or the kernel does not tell."""
    wanted = _spelled(client), _spelled(server)
    for table in tables:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            if (words[LOCAL].removeprefix(MAPPED), words[REMOTE].removeprefix(MAPPED)) == wanted and words[STATE] == ESTABLISHED:
                return int(words[USER])
    return None


def can_tell() -> bool:
    """Whether this machine tells whose connections there are: it is asked for one of our own."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        with socket.create_connection(listening.getsockname()) as ours:
            return user_of(ours.getsockname(), listening.getsockname()) == os.geteuid()


def _spelled(address: Address) -> str:
    """An address as the kernel writes it: the bytes of the network in the order of this machine."""
    host, port = address
    try:
        return f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    except OSError:
        return ""
