MODEL (name silver.airlines, kind FULL);

SELECT *
FROM read_csv(@landing || '/airlines/*.csv', header = true, nullstr = ['NA', ''], auto_detect = false,
    columns = {'carrier': 'VARCHAR', 'name': 'VARCHAR'})
