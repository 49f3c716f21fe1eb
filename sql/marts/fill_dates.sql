-- dim_date: every day of every month to be built, without a gap to the days it holds.
SELECT marts.fill_dates(
    date_trunc('month', least(min(w.date), (SELECT min(date) FROM marts.dim_date))::timestamp)::date,
    (date_trunc('month', greatest(max(w.date), (SELECT max(date) FROM marts.dim_date))::timestamp)
        + interval '1 month - 1 day')::date)
FROM marts_day w
HAVING max(w.date) IS NOT NULL AND NOT EXISTS (
    SELECT FROM marts.dim_date HAVING min(date) <= min(w.date) AND max(date) >= max(w.date))
