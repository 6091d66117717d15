select
    faa as airport, name, lat as latitude, lon as longitude, alt as altitude_feet, tz as utc_offset_hours, dst as dst_rule,
    tzone as time_zone
from read_csv(
    {{ landed('airports', '*.csv') }}, header = true, nullstr = ['NA', ''], auto_detect = false,
    columns = {
        'faa': 'VARCHAR', 'name': 'VARCHAR', 'lat': 'DOUBLE', 'lon': 'DOUBLE', 'alt': 'INTEGER', 'tz': 'INTEGER', 'dst': 'VARCHAR',
        'tzone': 'VARCHAR'
    }
)
