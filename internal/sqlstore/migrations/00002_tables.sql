-- Times are microseconds since 1970 UTC, 0 for none. Flags are 0 or 1. '' stands for absent text.
-- Nested values are JSON.
-- +goose Up

CREATE TABLE package (
    id               IDTEXT NOT NULL PRIMARY KEY,
    account          IDTEXT NOT NULL,
    region           IDTEXT NOT NULL,
    name             IDTEXT NOT NULL,
    type             TEXT   NOT NULL,
    description      TEXT   NOT NULL,
    status           TEXT   NOT NULL,
    error            TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    available_id     TEXT   NOT NULL,
    available_number BIGINT NOT NULL,
    import_id        TEXT   NOT NULL
);
CREATE INDEX package_of_account ON package (account, region, id);

CREATE TABLE package_version (
    id             IDTEXT NOT NULL PRIMARY KEY,
    seq            BIGINT NOT NULL,
    package_id     IDTEXT NOT NULL REFERENCES package (id) ON DELETE CASCADE,
    number         BIGINT NOT NULL,
    status         TEXT   NOT NULL,
    error          TEXT   NOT NULL,
    source         TEXT   NOT NULL,
    commit_message TEXT   NOT NULL,
    digest         TEXT   NOT NULL,
    size           BIGINT NOT NULL,
    kind           TEXT   NOT NULL,
    kind_declared  BIGINT NOT NULL,
    identical      BIGINT NOT NULL,
    finding_count  BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    imported_at    BIGINT NOT NULL
);
CREATE INDEX package_version_of_package ON package_version (package_id, created_at, seq);
CREATE INDEX package_version_seq ON package_version (seq);
CREATE INDEX package_version_digest ON package_version (digest);

CREATE TABLE finding (
    version_id IDTEXT NOT NULL REFERENCES package_version (id) ON DELETE CASCADE,
    position   BIGINT NOT NULL,
    rule       TEXT   NOT NULL,
    severity   TEXT   NOT NULL,
    line       BIGINT NOT NULL,
    col        BIGINT NOT NULL,
    text       TEXT   NOT NULL,
    message    TEXT   NOT NULL,
    remedy     TEXT   NOT NULL,
    PRIMARY KEY (version_id, position)
);

CREATE TABLE domain (
    account        IDTEXT NOT NULL,
    region         IDTEXT NOT NULL,
    name           IDTEXT NOT NULL,
    id             TEXT   NOT NULL,
    engine_version TEXT   NOT NULL,
    request        TEXT   NOT NULL,
    nodes          BIGINT NOT NULL,
    files_only     BIGINT NOT NULL,
    policy         TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    deleted_at     BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE association (
    account    IDTEXT NOT NULL,
    region     IDTEXT NOT NULL,
    domain     IDTEXT NOT NULL,
    package_id IDTEXT NOT NULL,
    status     TEXT   NOT NULL,
    serving_id TEXT   NOT NULL,
    wanted_id  TEXT   NOT NULL,
    error      TEXT   NOT NULL,
    note       TEXT   NOT NULL,
    findings   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, domain, package_id),
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);
CREATE INDEX association_of_package ON association (package_id);

CREATE TABLE usage (
    account IDTEXT NOT NULL,
    region  IDTEXT NOT NULL,
    domain  IDTEXT NOT NULL,
    doc     TEXT   NOT NULL,
    PRIMARY KEY (account, region, domain),
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);

CREATE TABLE rollout (
    id         IDTEXT NOT NULL PRIMARY KEY,
    seq        BIGINT NOT NULL,
    account    IDTEXT NOT NULL,
    region     IDTEXT NOT NULL,
    domain     IDTEXT NOT NULL,
    state      TEXT   NOT NULL,
    phase      TEXT   NOT NULL,
    steps      TEXT   NOT NULL,
    round      BIGINT NOT NULL,
    first_node TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    error_type TEXT   NOT NULL,
    waiting    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    phase_at   BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);
CREATE INDEX rollout_of_domain ON rollout (account, region, domain, created_at, seq);
CREATE INDEX rollout_seq ON rollout (seq);

CREATE TABLE agent (
    id           IDTEXT NOT NULL PRIMARY KEY,
    account      IDTEXT NOT NULL,
    region       IDTEXT NOT NULL,
    domain       IDTEXT NOT NULL,
    name         IDTEXT NOT NULL,
    enrolled_at  BIGINT NOT NULL,
    retired_at   BIGINT NOT NULL,
    cluster_uuid TEXT   NOT NULL,
    node_id      TEXT   NOT NULL,
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);
CREATE INDEX agent_of_domain ON agent (account, region, domain);

-- What an agent last said. Apart from agent, because it changes all the time.
CREATE TABLE node (
    agent_id IDTEXT NOT NULL PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
    heard_at BIGINT NOT NULL,
    report   TEXT   NOT NULL
);

-- What an agent was last told.
CREATE TABLE node_order (
    agent_id   IDTEXT NOT NULL PRIMARY KEY REFERENCES agent (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    doc        TEXT   NOT NULL
);

CREATE TABLE proof (
    agent_id   IDTEXT NOT NULL,
    package_id IDTEXT NOT NULL,
    account    IDTEXT NOT NULL,
    region     IDTEXT NOT NULL,
    domain     IDTEXT NOT NULL,
    node       IDTEXT NOT NULL,
    version_id TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    level      TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    probe      TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (agent_id, package_id),
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);
CREATE INDEX proof_of_domain ON proof (account, region, domain);

CREATE TABLE incident (
    agent_id   IDTEXT NOT NULL,
    id         IDTEXT NOT NULL,
    account    IDTEXT NOT NULL,
    region     IDTEXT NOT NULL,
    domain     IDTEXT NOT NULL,
    kind       TEXT   NOT NULL,
    package_id TEXT   NOT NULL,
    found      TEXT   NOT NULL,
    wanted     TEXT   NOT NULL,
    healed     BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (agent_id, id),
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);
CREATE INDEX incident_of_domain ON incident (account, region, domain, at);

CREATE TABLE join_token (
    id          IDTEXT NOT NULL PRIMARY KEY,
    account     IDTEXT NOT NULL,
    region      IDTEXT NOT NULL,
    domain      IDTEXT NOT NULL,
    secret_hash TEXT   NOT NULL,
    uses        BIGINT NOT NULL,
    cidr        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    FOREIGN KEY (account, region, domain) REFERENCES domain (account, region, name) ON DELETE CASCADE
);
CREATE INDEX join_token_of_domain ON join_token (account, region, domain);

-- Sealed bytes are base64.
CREATE TABLE credential (
    access_key IDTEXT NOT NULL PRIMARY KEY,
    account    IDTEXT NOT NULL,
    name       TEXT   NOT NULL,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE authority (
    name   IDTEXT NOT NULL PRIMARY KEY,
    sealed TEXT   NOT NULL
);

CREATE TABLE event (
    seq     BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    account IDTEXT NOT NULL,
    region  IDTEXT NOT NULL,
    actor   TEXT   NOT NULL,
    action  TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    detail  TEXT   NOT NULL
);
CREATE INDEX event_of_account ON event (account, region, seq);

-- The only queue. lease_until 0: nobody holds the item.
CREATE TABLE work (
    kind        IDTEXT NOT NULL,
    key         IDTEXT NOT NULL,
    due_at      BIGINT NOT NULL,
    asked       BIGINT NOT NULL,
    lease_owner TEXT   NOT NULL,
    lease_until BIGINT NOT NULL,
    token       BIGINT NOT NULL,
    attempt     BIGINT NOT NULL,
    error       TEXT   NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX work_due ON work (due_at);
