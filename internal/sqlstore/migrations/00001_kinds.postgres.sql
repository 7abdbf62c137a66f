-- What the two databases spell differently, so that the tables need one text only.
-- +goose Up

-- Text that lists are ordered by. Byte order, as in SQLite and Go, whatever the database's locale.
CREATE DOMAIN idtext AS TEXT COLLATE "C";

-- Fences of work items: never given twice, also after an item was deleted and came back.
CREATE SEQUENCE work_token;

-- Order of arrival, for rows with equal times.
CREATE SEQUENCE row_seq;
