-- Verify checks that are shipped with a version, and who asked for an import that runs.
-- +goose Up

ALTER TABLE package_version ADD COLUMN check_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE package_version ADD COLUMN checks_digest TEXT NOT NULL DEFAULT '';
ALTER TABLE package_version ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';

CREATE TABLE version_checks (
    version_id IDTEXT NOT NULL PRIMARY KEY REFERENCES package_version (id) ON DELETE CASCADE,
    doc        TEXT   NOT NULL
);
