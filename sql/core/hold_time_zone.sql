-- Lock the reporting time zone until the transaction ends; rollup.read_formula takes this lock exclusively to change it.
SELECT pg_advisory_xact_lock_shared(6381059, -2)
