-- What the whole of AWS's API needs: every package type, sharing, tags, changes of domains, policies,
-- and who called from where.
-- +goose Up

ALTER TABLE package ADD COLUMN engine_version TEXT NOT NULL DEFAULT '';
ALTER TABLE package ADD COLUMN vending TEXT NOT NULL DEFAULT '';
ALTER TABLE package ADD COLUMN encryption TEXT NOT NULL DEFAULT '';
ALTER TABLE package ADD COLUMN available_plugin TEXT NOT NULL DEFAULT '';
ALTER TABLE package ADD COLUMN available_configuration TEXT NOT NULL DEFAULT '';

CREATE INDEX package_of_name ON package (region, name, account, id);

ALTER TABLE package_version ADD COLUMN configuration TEXT NOT NULL DEFAULT '';
ALTER TABLE package_version ADD COLUMN plugin TEXT NOT NULL DEFAULT '';

-- Who else sees a package: accounts and GLOBAL.
CREATE TABLE share (
    package_id IDTEXT NOT NULL REFERENCES package (id) ON DELETE CASCADE,
    grantee    IDTEXT NOT NULL,
    PRIMARY KEY (package_id, grantee)
);
CREATE INDEX share_of_grantee ON share (grantee, package_id);

ALTER TABLE domain RENAME COLUMN request TO options;
ALTER TABLE domain ADD COLUMN stamps TEXT NOT NULL DEFAULT '';
ALTER TABLE domain ADD COLUMN tags TEXT NOT NULL DEFAULT '';

CREATE TABLE domain_change (
    id         IDTEXT NOT NULL PRIMARY KEY,
    seq        BIGINT NOT NULL,
    account    IDTEXT NOT NULL,
    region     IDTEXT NOT NULL,
    domain     IDTEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    doc        TEXT   NOT NULL,
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);
CREATE INDEX domain_change_of_domain ON domain_change (account, region, domain, started_at, seq);
CREATE INDEX domain_change_seq ON domain_change (seq);

ALTER TABLE association ADD COLUMN prerequisites TEXT NOT NULL DEFAULT '';
ALTER TABLE association ADD COLUMN key_store TEXT NOT NULL DEFAULT '';

ALTER TABLE credential ADD COLUMN policies TEXT NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN operator BIGINT NOT NULL DEFAULT 0;
ALTER TABLE credential ADD COLUMN inactive BIGINT NOT NULL DEFAULT 0;
ALTER TABLE credential ADD COLUMN session_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
-- Until now a key could do everything, and there was one: the operator's.
UPDATE credential SET operator = 1,
    policies = '["{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"]';

ALTER TABLE event ADD COLUMN result TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN access_key TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN source_ip TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
CREATE INDEX event_at ON event (at);

-- Blobs that are to be deleted: since when no version names them, and since when somebody may be
-- deleting them (0 = nobody yet).
CREATE TABLE doomed_blob (
    digest       IDTEXT NOT NULL PRIMARY KEY,
    since_at     BIGINT NOT NULL,
    condemned_at BIGINT NOT NULL
);
