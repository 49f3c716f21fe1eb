-- Do not wait until this transaction is on disk: a crash may take it back, but never one that is (a slice's end, with its
-- watermark) and leave out this one before it.
SET LOCAL synchronous_commit = off
