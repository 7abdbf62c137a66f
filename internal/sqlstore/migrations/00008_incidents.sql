-- Incidents say when they were healed, and by what a node showed that it had turned back. What the
-- reconcile remembers of a domain's cluster.
-- +goose Up

ALTER TABLE incident ADD COLUMN healed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN shown_index TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN shown_analyzer TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN shown_text TEXT NOT NULL DEFAULT '';
CREATE INDEX incident_open ON incident (account, region, domain, kind) WHERE healed = 0;

ALTER TABLE domain ADD COLUMN watch TEXT NOT NULL DEFAULT '';
