-- Store a batch's host summaries, ids resolved; the columns are those of aap_pipeline/core/columns.py, in their order.
COPY clusters_jobhostsummary (
    job_id, host_id, host_name, changed, dark, failures, ok, processed, skipped, failed, ignored, rescued, created, modified
) FROM STDIN (FORMAT BINARY)
