MODEL (name silver.airports, kind FULL);

SELECT
    faa AS airport, name, lat AS latitude, lon AS longitude, alt AS altitude_feet, tz AS utc_offset_hours, dst AS dst_rule,
    tzone AS time_zone
FROM read_csv(@landing || '/airports/*.csv', header = true, nullstr = ['NA', ''], auto_detect = false,
    columns = {'faa': 'VARCHAR', 'name': 'VARCHAR', 'lat': 'DOUBLE', 'lon': 'DOUBLE', 'alt': 'INTEGER', 'tz': 'INTEGER',
        'dst': 'VARCHAR', 'tzone': 'VARCHAR'})
