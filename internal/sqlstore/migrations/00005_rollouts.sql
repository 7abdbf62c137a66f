-- What nodes have loaded: texts that tell versions apart, and what came of asking with them. How a
-- domain follows versions, and what people told a rollout to do.
-- +goose Up

ALTER TABLE association ADD COLUMN texts TEXT NOT NULL DEFAULT '';
ALTER TABLE proof ADD COLUMN witness TEXT NOT NULL DEFAULT '';

ALTER TABLE association ADD COLUMN track TEXT NOT NULL DEFAULT '';
ALTER TABLE rollout ADD COLUMN paused TEXT NOT NULL DEFAULT '';
ALTER TABLE rollout ADD COLUMN abort TEXT NOT NULL DEFAULT '';
