-- Store a batch's host summaries, ids resolved.
COPY clusters_jobhostsummary ({columns}) FROM STDIN (FORMAT BINARY)
