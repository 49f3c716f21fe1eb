-- Columns of a table or view of schema marts, in order. Catalog only.
SELECT attname FROM pg_attribute WHERE attrelid = format('marts.%%I', %(relation)s::text)::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
