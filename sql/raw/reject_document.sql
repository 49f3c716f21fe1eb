-- A document that jsonb cannot hold goes to quarantine as the text that it is.
INSERT INTO pipeline.rejected_record (cluster_id, kind, external_id, reason, message, document, fingerprint, provisional)
VALUES (%(cluster)s, %(kind)s, %(external_id)s, 'unstorable_text', %(message)s, %(document)s, %(fingerprint)s, %(provisional)s)
