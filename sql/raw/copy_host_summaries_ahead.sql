-- Store host summaries that were read by host, for the sweep.
COPY pipeline.host_summaries_ahead (cluster_id, job_id, document) FROM STDIN
