-- Fill core_incoming_job; the columns are those of aap_pipeline/core/columns.py, in their order.
COPY core_incoming_job FROM STDIN (FORMAT BINARY)
