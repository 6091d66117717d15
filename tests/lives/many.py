"""Live many lives from the command line: `python tests/lives/many.py 0 1000`, or one: `python tests/lives/many.py 17`.

What fails is shrunk and printed, with the seed, as Python that `play` lives again. Ends with 1 if a life failed.
"""

from __future__ import annotations

import argparse
import sys
import time

from living import ALL, FEATURES, Wrong, draw_life, live, told
from shrinking import shrink


def failure(life: object) -> str | None:
    """What is wrong with a life, or the error that it ends with; None if nothing is."""
    try:
        live(life)
    except Wrong as wrong:
        return str(wrong)
    except Exception as error:  # noqa: BLE001  # a life that ends with any error is a finding
        return f"{type(error).__name__}: {error}"
    return None


def kind(found: str) -> str:
    """What a failure is about, without which dataset, when and what: a shrunk life must fail in the same way."""
    return found.splitlines()[0].partition(" of ")[0].partition("{")[0][:60]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int, help="the seed, or the first of several")
    parser.add_argument("end", type=int, nargs="?", help="the seed after the last")
    parser.add_argument("--length", type=int, default=6, help="how many days a life has")
    parser.add_argument(
        "--with", dest="kinds", default=",".join(sorted(FEATURES)), help=f"kinds of events, of {','.join(sorted(ALL))}; or all"
    )
    parser.add_argument("--as-it-is", action="store_true", help="do not shrink")
    parser.add_argument("--verbose", action="store_true", help="name also the lives that are right")
    said = parser.parse_args()
    if unknown := set(filter(None, said.kinds.split(","))) - ALL - {"all"}:
        parser.error(f"there are no {unknown}")
    kinds, failed, began = ALL if said.kinds == "all" else frozenset(filter(None, said.kinds.split(","))), 0, time.monotonic()
    for seed in range(said.first, said.end or said.first + 1):
        life = draw_life(seed, said.length, kinds)
        if (found := failure(life)) is None:
            if said.verbose:
                print(f"seed {seed} is right", flush=True)
            continue
        failed += 1
        print(f"seed {seed} fails: {found}", flush=True)
        if not said.as_it_is:
            life = shrink(life, lambda less, found=found: (again := failure(less)) is not None and kind(again) == kind(found))
            print(f"shrunk: {failure(life)}")
        print(f"{told(life)}\nagain: .venv/bin/python tests/lives/many.py {seed} --with '{','.join(sorted(kinds))}'\n", flush=True)
    count = (said.end or said.first + 1) - said.first
    print(f"{count - failed} of {count} lives are as the oracle says; {(time.monotonic() - began) / count:.1f} s each")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
