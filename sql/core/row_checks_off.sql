-- Until core/row_checks_on, or the transaction's end, no foreign key checks what is written row by row.
SET LOCAL session_replication_role = replica
