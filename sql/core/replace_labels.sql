-- Set the labels of a batch's jobs to those of their documents.
-- Uses clusters_joblabel_job_label_idx.
WITH incoming AS (
    SELECT job_id, label_id FROM unnest(%(job_ids)s::int[], %(label_ids)s::int[]) AS i (job_id, label_id)
), removed AS (
    DELETE FROM clusters_joblabel l
    WHERE l.job_id = ANY(%(known_job_ids)s::int[])
      AND NOT EXISTS (SELECT FROM incoming i WHERE i.job_id = l.job_id AND i.label_id = l.label_id)
)
INSERT INTO clusters_joblabel (job_id, label_id)
SELECT job_id, label_id FROM incoming ORDER BY job_id, label_id
ON CONFLICT (job_id, label_id) DO NOTHING
