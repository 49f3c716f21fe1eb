-- Store the last day for which a report was created. Index: saved_report_pkey.
UPDATE pipeline.saved_report SET done_for = %(day)s WHERE name = %(name)s
