select
    tailnum, "year" as manufactured_year, type, manufacturer, model, engines, seats, speed as speed_mph, engine as engine_type
from read_csv(
    {{ landed('planes', '*.csv') }}, header = true, nullstr = ['NA', ''], auto_detect = false,
    columns = {
        'tailnum': 'VARCHAR', 'year': 'INTEGER', 'type': 'VARCHAR', 'manufacturer': 'VARCHAR', 'model': 'VARCHAR',
        'engines': 'INTEGER', 'seats': 'INTEGER', 'speed': 'INTEGER', 'engine': 'VARCHAR'
    }
)
