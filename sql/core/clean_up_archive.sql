-- Delete archived documents that were parsed longer ago than raw_retention_days. Uses raw_archive_parsed_at_idx.
DELETE FROM pipeline.raw_archive WHERE parsed_at < NOW() - make_interval(days => %(days)s)
