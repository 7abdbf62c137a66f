-- Files that were on the nodes before Searchpack and stay where they are: the path of an adopted file,
-- relative to the configuration folder; '' = where packages' files lie.
-- +goose Up

ALTER TABLE association ADD COLUMN path TEXT NOT NULL DEFAULT '';
