-- For which day a report was made last. Index: saved_report's primary key.
UPDATE pipeline.saved_report SET done_for = %(day)s WHERE name = %(name)s
