-- What the inspection finds beyond findings: how a kind is known, places inside a zip, the files of
-- what was unpacked, and the bill of materials.
-- +goose Up

ALTER TABLE package_version ADD COLUMN kind_learnt BIGINT NOT NULL DEFAULT 0;
ALTER TABLE package_version ADD COLUMN kind_confidence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE package_version ADD COLUMN tree BIGINT NOT NULL DEFAULT 0;
UPDATE package_version SET kind_confidence = CASE WHEN kind = '' THEN 0 WHEN kind_declared = 1 THEN 100 ELSE 95 END;

ALTER TABLE finding ADD COLUMN path TEXT NOT NULL DEFAULT '';
ALTER TABLE finding ADD COLUMN opensearch_line BIGINT NOT NULL DEFAULT 0;

CREATE TABLE manifest (
    version_id IDTEXT NOT NULL REFERENCES package_version (id) ON DELETE CASCADE,
    position   BIGINT NOT NULL,
    path       TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    digest     TEXT   NOT NULL,
    mode       BIGINT NOT NULL,
    PRIMARY KEY (version_id, position)
);

CREATE TABLE sbom (
    version_id IDTEXT NOT NULL PRIMARY KEY REFERENCES package_version (id) ON DELETE CASCADE,
    doc        TEXT   NOT NULL
);
