-- What the two databases spell differently, so that the tables need one text only. The type idtext
-- needs no declaration: SQLite takes any type name that holds "text" for TEXT, in byte order.
-- +goose Up

-- Fences of work items: never given twice, also after an item was deleted and came back.
CREATE TABLE counter (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('work_token', 0);
