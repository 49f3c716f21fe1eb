-- Hold the tables of jobs as the batch will anyway once it writes them: triggers and references come before it or after it.
LOCK TABLE clusters_job, clusters_joblabel, clusters_jobhostsummary IN ROW EXCLUSIVE MODE
