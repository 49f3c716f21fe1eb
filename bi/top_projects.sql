-- The five projects that ran most.
SELECT project, runs, savings FROM marts.top_projects(:from_date, :to_date, 5) JOIN marts.dim_project USING (project_id) ORDER BY runs DESC;
