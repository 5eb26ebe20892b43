-- The newest migration that was applied, or 0.
select coalesce(max(version), 0) as version from schema_migrations
