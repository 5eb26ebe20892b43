-- The migrations that were applied.
select version, checksum from schema_migrations
