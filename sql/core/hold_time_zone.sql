-- Keeps the reporting time zone as it is until the transaction ends: marts.read_formula takes this lock alone to change it.
SELECT pg_advisory_xact_lock_shared(6381059, -2)
