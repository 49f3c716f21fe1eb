-- dim_date: every day of every month to be built, without a gap to the days it holds. Counts the days, for two clusters that
-- are refreshed at once, each without sight of the other's, may leave a gap between theirs. Index: dim_date_pkey.
WITH wanted AS (
    SELECT date_trunc('month', least(min(w.date), (SELECT min(date) FROM marts.dim_date))::timestamp)::date AS first,
           (date_trunc('month', greatest(max(w.date), (SELECT max(date) FROM marts.dim_date))::timestamp)
               + interval '1 month - 1 day')::date AS last
    FROM marts_day w
    HAVING max(w.date) IS NOT NULL
)
SELECT marts.fill_dates(first, last)
FROM wanted
WHERE (SELECT count(*) FROM marts.dim_date WHERE date BETWEEN first AND last) <= last - first
