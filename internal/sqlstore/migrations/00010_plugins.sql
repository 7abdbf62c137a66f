-- Plugins: permits to stop a node, what a rollout restarts, and the cluster settings that it changed.
-- +goose Up

ALTER TABLE rollout ADD COLUMN baseline TEXT NOT NULL DEFAULT '';
ALTER TABLE rollout ADD COLUMN restart TEXT NOT NULL DEFAULT '';
ALTER TABLE domain ADD COLUMN saved TEXT NOT NULL DEFAULT '';

CREATE TABLE permit (
    id         IDTEXT NOT NULL PRIMARY KEY,
    account    IDTEXT NOT NULL,
    region     IDTEXT NOT NULL,
    domain     IDTEXT NOT NULL,
    rollout_id IDTEXT NOT NULL,
    agent_id   IDTEXT NOT NULL,
    epoch      BIGINT NOT NULL,
    attempt    BIGINT NOT NULL,
    begun_at   BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    failed     TEXT   NOT NULL,
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);
CREATE INDEX permit_of_domain ON permit (account, region, domain, ended_at);
