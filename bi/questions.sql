-- Ten questions of a manager. Replace the names and ranges: marts.period has this_ and last_ week, month, quarter, year, and last_30_days.
-- `aap-pipeline report` answers the same questions without SQL; the options are beside each.

-- 1. What did Security save last quarter, and in the quarter before? (--organization Security --range last-quarter)
SELECT now.savings, before.savings AS savings_before, now.savings - before.savings AS change
FROM marts.period('last_quarter') q
CROSS JOIN marts.totals(q.from_date, q.to_date, organizations := marts.ids('organization', ARRAY['Security'])) now
CROSS JOIN marts.totals((q.from_date - interval '3 months')::date, q.from_date - 1,
    organizations := marts.ids('organization', ARRAY['Security'])) before;

-- 2. Which job templates lose money? (--range last-quarter)
SELECT d.job_template, t.savings, t.runs, t.failed_runs
FROM marts.period('last_quarter') q
CROSS JOIN marts.savings_by_template(q.from_date, q.to_date) t JOIN marts.dim_job_template d USING (job_template_id)
WHERE t.savings < 0 ORDER BY t.savings;

-- 3. How many different hosts did automation touch in May? Counts of months do not add up. (--from 2026-05-01 --to 2026-05-31)
SELECT marts.unique_hosts('2026-05-01', '2026-05-31');

-- 4. Which people launch most? (--range last-quarter --html FILE)
SELECT d.launched_by, u.runs, u.failed_runs
FROM marts.period('last_quarter') q
CROSS JOIN marts.top_users(q.from_date, q.to_date, 10, types := ARRAY['user']) u JOIN marts.dim_user d USING (user_id) ORDER BY u.runs DESC;

-- 5. What is the return on investment, and how many person-years are the hours saved? (--range last-quarter --json)
SELECT t.roi, t.time_savings_hours, t.fte FROM marts.period('last_quarter') q CROSS JOIN marts.totals(q.from_date, q.to_date) t;

-- 6. What do failed runs cost, and of which templates? (--range last-quarter --html FILE)
SELECT d.job_template, t.failed_runs, t.failed_run_costs
FROM marts.period('last_quarter') q
CROSS JOIN marts.savings_by_template(q.from_date, q.to_date) t JOIN marts.dim_job_template d USING (job_template_id)
WHERE t.failed_runs > 0 ORDER BY t.failed_run_costs DESC;

-- 7. When had each job template paid for its creation? Creation counts once here, whatever the setting. (--html FILE)
SELECT job_template, first_run_date, creation_costs, payback_date, cumulated_savings FROM marts.payback ORDER BY payback_date;

-- 8. What did the runs with label pci save? (--label pci --range last-quarter)
SELECT t.savings, t.runs FROM marts.period('last_quarter') q
CROSS JOIN marts.totals(q.from_date, q.to_date, labels := marts.ids('label', ARRAY['pci'])) t;

-- 9. What did each organization save per month, by today's rates and by the rates of the time? (--range last-quarter --as-recorded)
SELECT d.year_month, o.organization, sum(s.savings) AS savings, sum(s.savings_as_recorded) AS savings_as_recorded
FROM marts.period('last_quarter') q
JOIN marts.savings_daily s ON s.date BETWEEN q.from_date AND q.to_date
JOIN marts.dim_date d USING (date) JOIN marts.dim_organization o USING (organization_id)
GROUP BY d.year_month, o.organization ORDER BY d.year_month, savings DESC;

-- 10. Are the figures complete? Provisional runs wait for host results; documents in quarantine are in no figure. (--html FILE)
SELECT cluster, last_sync, newest_job, provisional, quarantined, days_to_refresh FROM marts.freshness ORDER BY cluster;
