-- What nodes have loaded: texts that tell versions apart, and what came of asking with them.
-- +goose Up

ALTER TABLE association ADD COLUMN texts TEXT NOT NULL DEFAULT '';
ALTER TABLE proof ADD COLUMN witness TEXT NOT NULL DEFAULT '';
