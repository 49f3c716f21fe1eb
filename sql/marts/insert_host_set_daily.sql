-- The hosts that a workload's runs of a day touched, as bits. Index: clusters_jobhostsummary_job_idx.
INSERT INTO marts.host_set_daily
SELECT r.date, s.cluster_id, s.workload_id, h.ordinal / 1024, s.job_type = 'check', bit_or(set_bit(B'0'::bit(1024), h.ordinal %% 1024, 1))
FROM marts_run r
JOIN marts.series s USING (series_id)
JOIN archive.all_host_summaries x ON x.job_id = r.id
JOIN marts.dim_host h ON h.host_id = x.host_id
WHERE r.num_hosts > 0
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5
