-- The trigger on the table keeps the history. Manual minutes that are set are said to be set even if they equal the default.
WITH said AS (
    UPDATE marts.template_minutes SET source = 'set'
    WHERE job_template_id = %(id)s AND valid_to = '9999-12-31' AND manual_minutes = %(manual_minutes)s
)
UPDATE clusters_jobtemplate
SET time_taken_manually_execute_minutes = COALESCE(%(manual_minutes)s, time_taken_manually_execute_minutes),
    time_taken_create_automation_minutes = COALESCE(%(creation_minutes)s, time_taken_create_automation_minutes),
    internal_modified = now()
WHERE id = %(id)s
