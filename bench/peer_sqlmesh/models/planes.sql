MODEL (name silver.planes, kind FULL);

SELECT
    tailnum, "year" AS manufactured_year, type, manufacturer, model, engines, seats, speed AS speed_mph, engine AS engine_type
FROM read_csv(@landing || '/planes/*.csv', header = true, nullstr = ['NA', ''], auto_detect = false,
    columns = {'tailnum': 'VARCHAR', 'year': 'INTEGER', 'type': 'VARCHAR', 'manufacturer': 'VARCHAR', 'model': 'VARCHAR',
        'engines': 'INTEGER', 'seats': 'INTEGER', 'speed': 'INTEGER', 'engine': 'VARCHAR'})
