-- For which day a report was made last. Index: saved_report_pkey.
UPDATE pipeline.saved_report SET done_for = %(day)s WHERE name = %(name)s
