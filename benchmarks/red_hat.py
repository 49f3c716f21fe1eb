"""Figures of Red Hat's Automation Dashboard, measured on a similar machine (2 cores) before this project began."""

SYNC_JOBS_PER_SECOND = 36
"""Jobs of ten hosts read from a controller 20 ms away."""
PARSE_JOBS_PER_SECOND = 34
"""Of the same jobs, by 63 SQL statements each."""
YEAR_PAGE_MS = 6_346
"""Its page of six questions over a year of 1,000,000 jobs."""
