-- The same total under every choice of the formula.
SELECT * FROM marts.formula_comparison('2025-01-01', '2025-01-31');
