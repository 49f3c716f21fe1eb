-- Fill core_incoming_job.
COPY core_incoming_job ({columns}) FROM STDIN (FORMAT BINARY)
