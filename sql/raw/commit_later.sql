-- Commit asynchronously. A crash may undo this transaction, but then also all later ones, including the end of the slice
-- with its watermark.
SET LOCAL synchronous_commit = off
