-- The same total under every choice of the formula.
SELECT * FROM marts.formula_comparison(:from_date, :to_date);
