-- Previews: what a version would make of a text, asked of a node. Rows live for minutes.
-- +goose Up

CREATE TABLE preview (
    id         IDTEXT NOT NULL PRIMARY KEY,
    account    IDTEXT NOT NULL,
    region     IDTEXT NOT NULL,
    domain     IDTEXT NOT NULL,
    created_at BIGINT NOT NULL,
    doc        TEXT   NOT NULL,
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);
CREATE INDEX preview_of_domain ON preview (account, region, domain, created_at);
