-- Every application setting that has a row, with its JSON text. The whole table, a few dozen rows: no index needed.
SELECT type, value FROM common_settings
