-- Every stored secret, locked, for the rotation of the encryption key. Small table: a sequential scan.
SELECT id AS cluster, access_token, refresh_token, client_secret FROM clusters_cluster ORDER BY id FOR UPDATE
