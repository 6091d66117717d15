"""The script that an experienced engineer would write instead of Assay: the same silver and gold rows, in plain DuckDB SQL.

It makes no promise: no bronze, no audit, no quarantine, no atomic publication, no rerun of a part. Reads the landing folder, writes one
Parquet dataset per table, partitioned like ours: `python bench/handwritten.py LANDING OUT`.
"""

import sys
from pathlib import Path

import duckdb

FLIGHTS = (
    "year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, carrier, flight, tailnum,"
    " origin, dest, air_time, distance, hour, minute, time_hour"
)
TEXT = {"carrier", "tailnum", "origin", "dest", "time_hour"}
FLIGHT_TYPES = {name: "VARCHAR" if name in TEXT else "INTEGER" for name in FLIGHTS.split(", ")}
CSV = "header = true, nullstr = ['NA', ''], auto_detect = false"

REFERENCES = f"""
CREATE TABLE airlines AS
SELECT * FROM read_csv(getvariable('landing') || '/airlines/*.csv', {CSV}, columns = {{'carrier': 'VARCHAR', 'name': 'VARCHAR'}});

CREATE TABLE airports AS
SELECT faa AS airport, name, lat AS latitude, lon AS longitude, alt AS altitude_feet, tz AS utc_offset_hours, dst AS dst_rule,
    tzone AS time_zone
FROM read_csv(getvariable('landing') || '/airports/*.csv', {CSV}, columns = {{'faa': 'VARCHAR', 'name': 'VARCHAR', 'lat': 'DOUBLE',
    'lon': 'DOUBLE', 'alt': 'INTEGER', 'tz': 'INTEGER', 'dst': 'VARCHAR', 'tzone': 'VARCHAR'}});

CREATE TABLE planes AS
SELECT tailnum, "year" AS manufactured_year, type, manufacturer, model, engines, seats, speed AS speed_mph, engine AS engine_type
FROM read_csv(getvariable('landing') || '/planes/*.csv', {CSV}, columns = {{'tailnum': 'VARCHAR', 'year': 'INTEGER', 'type': 'VARCHAR',
    'manufacturer': 'VARCHAR', 'model': 'VARCHAR', 'engines': 'INTEGER', 'seats': 'INTEGER', 'speed': 'INTEGER', 'engine': 'VARCHAR'}});
"""

# The stations repeat hours; the last line wins. One anemometer read 1048 mph.
WEATHER = """
CREATE TABLE weather AS
SELECT CAST(date_trunc('month', timezone('America/New_York', time_hour)) AS DATE) AS observed_month, origin,
    time_hour AS observed_at_utc, temp AS temperature_fahrenheit, dewp AS dew_point_fahrenheit, humid AS relative_humidity_percent,
    wind_dir AS wind_direction_degrees, wind_speed AS wind_speed_mph, wind_gust AS wind_gust_mph, precip AS precipitation_inches,
    pressure AS pressure_millibars, visib AS visibility_miles
FROM (
    SELECT *, row_number() OVER () AS line
    FROM read_json(getvariable('landing') || '/weather/*.jsonl', format = 'newline_delimited', columns = {'origin': 'VARCHAR',
        'time_hour': 'TIMESTAMPTZ', 'temp': 'DOUBLE', 'dewp': 'DOUBLE', 'humid': 'DOUBLE', 'wind_dir': 'INTEGER', 'wind_speed': 'DOUBLE',
        'wind_gust': 'DOUBLE', 'precip': 'DOUBLE', 'pressure': 'DOUBLE', 'visib': 'DOUBLE'})
)
WHERE coalesce(wind_speed, 0) <= 254 AND origin IN (FROM (SELECT airport FROM airports))
QUALIFY row_number() OVER (PARTITION BY origin, time_hour ORDER BY line DESC) = 1;
"""

# `time_hour` is the hour of the scheduled departure in UTC already, so no clock has to be converted. A flight may be reported again in a
# later file, which wins.
FLIGHTS_SQL = f"""
CREATE TABLE flights AS
SELECT * EXCLUDE (filename) FROM (
    SELECT make_date("year", "month", "day") AS flight_date, carrier, flight, origin, dest, tailnum,
        CAST(time_hour AS TIMESTAMPTZ) + to_minutes("minute") AS scheduled_departure_utc,
        CASE WHEN dep_time IS NOT NULL THEN scheduled_departure_utc + to_minutes(dep_delay) END AS actual_departure_utc,
        dep_delay AS dep_delay_minutes, arr_delay AS arr_delay_minutes, air_time AS air_time_minutes, distance AS distance_miles,
        dep_time IS NULL AS is_cancelled, dep_time IS NOT NULL AND arr_delay IS NULL AS is_diverted, filename
    FROM read_csv(getvariable('landing') || '/flights/*.csv', {CSV}, filename = true, columns = {FLIGHT_TYPES})
    WHERE carrier IN (FROM (SELECT carrier FROM airlines))
        AND origin IN (FROM (SELECT airport FROM airports)) AND dest IN (FROM (SELECT airport FROM airports))
)
QUALIFY row_number() OVER (PARTITION BY flight_date, carrier, flight, origin ORDER BY filename DESC) = 1;
"""

GOLD = {
    "carrier_punctuality_daily": """
SELECT CAST(date_trunc('month', flight_date) AS DATE) AS flight_month, flight_date, carrier, name AS carrier_name, flights, cancelled,
    diverted, departed, departed_on_time, departed_on_time / nullif(departed, 0) AS on_time_share, mean_dep_delay_minutes,
    median_dep_delay_minutes, p95_dep_delay_minutes
FROM (
    SELECT flight_date, carrier, count(*) AS flights, count(*) FILTER (WHERE is_cancelled) AS cancelled,
        count(*) FILTER (WHERE is_diverted) AS diverted, count(actual_departure_utc) AS departed,
        count(actual_departure_utc) FILTER (WHERE dep_delay_minutes < 15) AS departed_on_time,
        avg(dep_delay_minutes) AS mean_dep_delay_minutes,
        median(dep_delay_minutes) AS median_dep_delay_minutes, quantile_cont(dep_delay_minutes, 0.95) AS p95_dep_delay_minutes
    FROM flights GROUP BY flight_date, carrier
) LEFT JOIN airlines USING (carrier)""",
    "carrier_ranking_7d": """
SELECT *, dense_rank() OVER (PARTITION BY flight_date ORDER BY on_time_share_7d DESC NULLS LAST, carrier) AS carrier_rank
FROM (
    SELECT flight_month, flight_date, carrier, carrier_name, CAST(sum(flights) OVER week AS BIGINT) AS flights_7d,
        CAST(sum(departed) OVER week AS BIGINT) AS departed_7d, CAST(sum(departed_on_time) OVER week AS BIGINT) AS on_time_7d,
        on_time_7d / nullif(departed_7d, 0) AS on_time_share_7d
    FROM carrier_punctuality_daily
    WINDOW week AS (PARTITION BY carrier ORDER BY flight_date RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND CURRENT ROW)
)""",
    "departures_weather": """
SELECT CAST(date_trunc('month', flight_date) AS DATE) AS flight_month, flight_date, carrier, flight, f.origin, dest, departure_hour_utc,
    dep_delay_minutes, is_cancelled, observed_at_utc IS NOT NULL AS has_weather, temperature_fahrenheit, dew_point_fahrenheit,
    relative_humidity_percent, wind_direction_degrees, wind_speed_mph, wind_gust_mph, precipitation_inches, pressure_millibars,
    visibility_miles
FROM (
    SELECT *, time_bucket(INTERVAL 1 HOUR, coalesce(actual_departure_utc, scheduled_departure_utc)) AS departure_hour_utc FROM flights
) AS f LEFT JOIN weather AS w ON f.origin = w.origin AND departure_hour_utc = observed_at_utc""",
    "route_delays_daily": """
SELECT CAST(date_trunc('month', flight_date) AS DATE) AS flight_month, flight_date, origin, dest, name AS dest_name, distance_miles,
    flights, cancelled, mean_dep_delay_minutes, median_dep_delay_minutes, p95_dep_delay_minutes, mean_arr_delay_minutes,
    median_arr_delay_minutes, p95_arr_delay_minutes
FROM (
    SELECT flight_date, origin, dest, max(distance_miles) AS distance_miles, count(*) AS flights,
        count(*) FILTER (WHERE is_cancelled) AS cancelled, avg(dep_delay_minutes) AS mean_dep_delay_minutes,
        median(dep_delay_minutes) AS median_dep_delay_minutes, quantile_cont(dep_delay_minutes, 0.95) AS p95_dep_delay_minutes,
        avg(arr_delay_minutes) AS mean_arr_delay_minutes, median(arr_delay_minutes) AS median_arr_delay_minutes,
        quantile_cont(arr_delay_minutes, 0.95) AS p95_arr_delay_minutes
    FROM flights GROUP BY flight_date, origin, dest
) LEFT JOIN airports ON dest = airport""",
}
SILVER_PARTITIONS = {"airlines": None, "airports": None, "planes": None, "weather": "observed_month", "flights": "flight_date"}


def main(landing: Path, out: Path) -> None:
    """Build every table and write it."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET VARIABLE landing = ?", [str(landing)])
        for script in (REFERENCES, WEATHER, FLIGHTS_SQL):
            connection.execute(script)
        for name, partition in SILVER_PARTITIONS.items():
            write(connection, f"FROM {name}", out / "silver" / name, partition)
        connection.execute(f"CREATE TABLE carrier_punctuality_daily AS {GOLD['carrier_punctuality_daily']}")  # the ranking reads it
        for name, query in GOLD.items():
            written = f"FROM {name}" if name == "carrier_punctuality_daily" else query
            write(connection, written, out / "gold" / name, "flight_month")


def write(connection: duckdb.DuckDBPyConnection, query: str, folder: Path, partition: str | None) -> None:
    """Write rows as one Parquet file, or as a folder per value of the partition column."""
    folder.mkdir(parents=True)
    if partition is None:
        connection.execute(f"COPY ({query}) TO '{folder}/data.parquet' (FORMAT parquet)")
    else:
        connection.execute(f"COPY ({query}) TO '{folder}' (FORMAT parquet, PARTITION_BY ({partition}), OVERWRITE_OR_IGNORE)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
