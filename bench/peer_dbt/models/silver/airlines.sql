select *
from read_csv(
    {{ landed('airlines', '*.csv') }}, header = true, nullstr = ['NA', ''], auto_detect = false,
    columns = {'carrier': 'VARCHAR', 'name': 'VARCHAR'}
)
