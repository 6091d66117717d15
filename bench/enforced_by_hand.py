"""The other side of `contract_enforcement`: what a good engineer writes in Polars for this one dataset, without a contract.

It does the same: types and flags, judges every row by every rule, counts broken rules by day, rejects with the first rule and all reasons,
keeps the last arrival of each key, sorts. Every rule is one expression; all are evaluated at once. The clock times come from the product's
own transform, which both sides call: `python bench/enforced_by_hand.py FOLDER [TARGET]`.
"""

import sys
from pathlib import Path

import polars as pl

from flights.transforms import conform_flights

ABSENT = ["NA", ""]
UNREADABLE = "_flight_unreadable"  # the one number that keeps its name
NUMBERS = {
    "flight": "flight", "dep_delay_minutes": "dep_delay", "arr_delay_minutes": "arr_delay", "air_time_minutes": "air_time",
    "distance_miles": "distance",
}  # fmt: skip
BOUNDS = {
    "flight": (1, 300000), "dep_delay_minutes": (-120, 2880), "arr_delay_minutes": (-240, 2880), "air_time_minutes": (1, 1440),
    "distance_miles": (1, 12000),
}  # fmt: skip
REQUIRED = (
    "flight_date", "carrier", "flight", "origin", "dest", "scheduled_departure_utc", "distance_miles", "is_cancelled", "is_diverted",
)  # fmt: skip
KEY = ["flight_date", "carrier", "flight", "origin"]
PUBLISHED = [
    "flight_date", "carrier", "flight", "origin", "dest", "tailnum", "scheduled_departure_utc", "actual_departure_utc", "dep_delay_minutes",
    "arr_delay_minutes", "air_time_minutes", "distance_miles", "is_cancelled", "is_diverted",
]  # fmt: skip
LANDED = [
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay", "carrier", "flight",
    "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour",
]  # fmt: skip


def rules(known: dict[str, pl.Series]) -> dict[str, tuple[pl.Expr, str, str | None]]:
    """Each error rule, in the order of the contract: true for a row that breaks it, what is promised, the column whose value is shown."""
    col = pl.col
    unreadable = {name: col(source).is_not_null() & col(name).is_null() for name, source in NUMBERS.items()}
    unreadable["flight"] = col(UNREADABLE)
    found: dict[str, tuple[pl.Expr, str, str | None]] = {
        f"{name}_type": (broken, f"{name} can be read as integer.", None) for name, broken in unreadable.items()
    }
    order = [name for name in PUBLISHED if name != "actual_departure_utc"]
    looked_up = {
        "carrier": ("carrier_known", "airlines", "The carrier is in the airlines table."),
        "origin": ("origin_known", "airports", "The airport of departure is in the airports table."),
        "dest": ("dest_known", "airports", "The airport of destination is in the airports table; the flight is held until it is."),
    }
    for name in order:
        if name in REQUIRED:
            found[f"{name}_required"] = (col(name).is_null(), f"{name} is present.", None)
        if name in BOUNDS:
            low, high = BOUNDS[name]
            found[f"{name}_minimum"] = (col(name) < low, f"{name} is at least {low}.", name)
            found[f"{name}_maximum"] = (col(name) > high, f"{name} is at most {high}.", name)
        if name == "carrier":
            found["carrier_length"] = (col(name).str.len_chars() != 2, "carrier has 2 characters.", name)
        if name in ("origin", "dest"):
            found[f"{name}_pattern"] = (~col(name).str.contains("^[A-Z]{3}$"), f"{name} matches ^[A-Z]{{3}}$.", name)
        if name in looked_up:
            rule, table, promise = looked_up[name]
            found[rule] = (~col(name).is_in(known[table].implode()), promise, name)
    departed = col("arr_delay_minutes").is_not_null() & col("actual_departure_utc").is_null()
    found["arrival_implies_departure"] = (departed, "A flight that arrived has departed.", None)
    differs = col("is_cancelled") != col("dep_delay_minutes").is_null()
    promise = "A flight has a departure delay exactly when it was not cancelled."
    found["departure_delay_matches_times"] = (differs, promise, None)
    return found


def typed(raw: pl.LazyFrame) -> pl.LazyFrame:
    """Absent texts become null, numbers are read, the partition column and the clock times are filled."""
    present = raw.with_columns(pl.when(~pl.col(name).is_in(ABSENT)).then(pl.col(name)).alias(name) for name in LANDED)
    numbers = [pl.col(source).cast(pl.Int32, strict=False).alias(name) for name, source in NUMBERS.items()]
    unreadable = pl.col("flight").is_not_null() & pl.col("flight").cast(pl.Int32, strict=False).is_null()
    return conform_flights(present.with_columns(*numbers, unreadable.alias(UNREADABLE), pl.col("_event_date").alias("flight_date")))


def enforce(
    raw: pl.LazyFrame, known: dict[str, pl.Series], version: str
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, dict[str, object]]]:
    """The published rows, the rejected ones with rule and reasons, and by day what became of the rows and how many break each rule."""
    errors = rules(known)
    warning = (~pl.col("tailnum").is_in(known["planes"].implode())).fill_null(value=False).alias("tailnum_known")
    flags = [broken.fill_null(value=False).alias(name) for name, (broken, _, _) in errors.items()]
    landed = raw.collect().with_row_index("_index")
    judged = typed(landed.lazy()).with_columns(*flags, warning).with_columns(pl.any_horizontal(*errors).alias("_bad")).collect()
    by_day = judged.group_by("flight_date").agg(pl.len().alias("landed"), pl.col("_bad").sum(), pl.col(*errors, "tailnum_known").sum())
    rejected = with_reasons(judged.filter("_bad"), landed, errors, version)
    good = judged.filter(~pl.col("_bad"))
    if good.select(KEY).is_duplicated().any():
        good = good.sort("_arrival_date", "_source_file", "_source_row").unique(KEY, keep="last", maintain_order=True)
    published = good.select(PUBLISHED).sort(KEY)
    return published, rejected, counted(by_day, published)


def with_reasons(bad: pl.DataFrame, landed: pl.DataFrame, errors: dict[str, tuple[pl.Expr, str, str | None]], version: str) -> pl.DataFrame:
    """Rejected rows as quarantine keeps them."""
    first = pl.coalesce(pl.when(name).then(pl.lit(name)) for name in errors)
    reasons = [
        pl.when(name).then(
            pl.lit(f"{name}: {promise}")
            if shown is None
            else pl.concat_str(pl.lit(f"{name}: {promise} Found "), pl.col(shown).cast(pl.String).str.slice(0, 80), pl.lit("."))
        )
        for name, (_, promise, shown) in errors.items()
    ]
    told = bad.select("_index", first.alias("rule"), pl.concat_str(reasons, separator=" ", ignore_nulls=True).alias("reason"))
    return told.join(landed, on="_index", how="left", maintain_order="left").select(
        "rule", pl.lit("error").alias("severity"), "reason", pl.col("_source_file").alias("source_file"),
        pl.col("_source_row").alias("source_row"), pl.col("_source_hash").alias("source_hash"), pl.lit("bench").alias("run_id"),
        pl.lit(version).alias("contract_version"), pl.struct(LANDED).struct.json_encode().alias("raw"),
    )  # fmt: skip


def counted(by_day: pl.DataFrame, published: pl.DataFrame) -> dict[str, dict[str, object]]:
    """By day: landed = published + quarantined + duplicates, or something is wrong, and a day without rows is refused."""
    left = dict(published.group_by("flight_date").len().iter_rows())
    found: dict[str, dict[str, object]] = {}
    for row in by_day.iter_rows(named=True):
        day, rows, bad = row.pop("flight_date"), row.pop("landed"), row.pop("_bad")
        kept = left.get(day, 0)
        assert kept > 0
        assert bad / rows < 0.1
        broken = {name: count for name, count in sorted(row.items()) if count}
        found[str(day)] = {"landed": rows, "published": kept, "quarantined": bad, "duplicates": rows - bad - kept, "broken": broken}
    return found


def main(folder: Path, target: Path | None) -> None:
    """Enforce the rules on every chunk; with a target, write down what was found."""
    text = (folder / "contracts/flights.odcs.yaml").read_text()
    version = next(line.partition(": ")[2] for line in text.splitlines() if line.startswith("version: "))
    columns = {"airlines": "carrier", "airports": "airport", "planes": "tailnum"}
    known = {name: pl.read_parquet(folder / f"lake/silver/{name}/*.parquet", columns=[column])[column] for name, column in columns.items()}
    for number, path in enumerate(sorted((folder / "chunks").glob("*.parquet"))):
        published, rejected, counts = enforce(pl.scan_parquet(path), known, version)
        if target is not None:
            from enforcement import kept

            kept(target, number, published, rejected, counts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
