-- Jobs older than archive_after_days move here with their labels and host summaries; off by default. The marts read views
-- over both places, so that archiving changes no figure.
--
-- A job that is read again after it was archived leaves the archive: sql/core/leave_archive.sql.
--
-- The columns equal those of the tables in public. There are no references to dimensions: these are deleted only with their
-- cluster and its archive, and each check would cost an index on the largest tables.
CREATE SCHEMA archive;

CREATE TABLE archive.clusters_job (
    LIKE public.clusters_job INCLUDING DEFAULTS INCLUDING COMMENTS INCLUDING COMPRESSION,
    PRIMARY KEY (id),
    FOREIGN KEY (cluster_id) REFERENCES public.clusters_cluster(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX clusters_job_cluster_external_idx ON archive.clusters_job (cluster_id, external_id);
CREATE INDEX clusters_job_finished_idx ON archive.clusters_job (finished);
CREATE INDEX clusters_job_cluster_template_idx ON archive.clusters_job (cluster_id, job_template_id);

CREATE TABLE archive.clusters_joblabel (
    LIKE public.clusters_joblabel INCLUDING DEFAULTS INCLUDING COMMENTS,
    FOREIGN KEY (job_id) REFERENCES archive.clusters_job(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX clusters_joblabel_job_label_idx ON archive.clusters_joblabel (job_id, label_id);

CREATE TABLE archive.clusters_jobhostsummary (
    LIKE public.clusters_jobhostsummary INCLUDING DEFAULTS INCLUDING COMMENTS,
    FOREIGN KEY (job_id) REFERENCES archive.clusters_job(id) ON DELETE CASCADE
);
CREATE INDEX clusters_jobhostsummary_job_idx ON archive.clusters_jobhostsummary (job_id);

DO $$
DECLARE
    item RECORD;
BEGIN
    FOR item IN
        SELECT seen, source, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
        FROM (VALUES ('all_jobs', 'clusters_job'), ('all_job_labels', 'clusters_joblabel'),
                     ('all_host_summaries', 'clusters_jobhostsummary')) AS pair (seen, source)
        JOIN pg_attribute a ON a.attrelid = ('public.' || source)::regclass AND a.attnum > 0 AND NOT a.attisdropped
        GROUP BY seen, source
    LOOP
        EXECUTE format('CREATE VIEW archive.%1$I AS SELECT %3$s FROM public.%2$I UNION ALL SELECT %3$s FROM archive.%2$I',
                       item.seen, item.source, item.columns);
    END LOOP;
END $$;

COMMENT ON TABLE archive.clusters_job IS 'Archived jobs: those of public.clusters_job that are older than archive_after_days.';
COMMENT ON TABLE archive.clusters_joblabel IS 'Labels of archived jobs.';
COMMENT ON TABLE archive.clusters_jobhostsummary IS 'Host summaries of archived jobs.';
COMMENT ON VIEW archive.all_jobs IS 'All jobs, archived or not.';
COMMENT ON VIEW archive.all_job_labels IS 'Labels of all jobs, archived or not.';
COMMENT ON VIEW archive.all_host_summaries IS 'Host summaries of all jobs, archived or not.';
DO $$
DECLARE
    item RECORD;
BEGIN
    FOR item IN
        SELECT pair.seen, a.attname, col_description(a.attrelid, a.attnum) AS text
        FROM (VALUES ('archive.all_jobs', 'public.clusters_job'), ('archive.all_job_labels', 'public.clusters_joblabel'),
                     ('archive.all_host_summaries', 'public.clusters_jobhostsummary')) AS pair (seen, source)
        JOIN pg_attribute a ON a.attrelid = pair.source::regclass AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', item.seen, item.attname, item.text);
    END LOOP;
END $$;
