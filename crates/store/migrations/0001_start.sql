-- The searched part of a prediction, in the order that it is mostly asked for. Insertions come nearly in this order too,
-- so they touch few pages; a key that starts with the (random) flow id would touch one page a flow.
-- A flow id is a hash over the first packet's time among others: one id never has two start times.
CREATE TABLE flows (
    start_ns INTEGER NOT NULL,
    flow_id BLOB NOT NULL,
    row INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    capture INTEGER NOT NULL,
    source BLOB NOT NULL,
    destination BLOB NOT NULL,
    source_port INTEGER NOT NULL,
    destination_port INTEGER NOT NULL,
    class INTEGER NOT NULL,
    category INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    abnormal INTEGER NOT NULL,
    PRIMARY KEY (start_ns, flow_id)
) WITHOUT ROWID;

-- By id, one generation of rows after the other: ids are random, and within one small generation that costs nothing. A
-- look-up asks every generation.
CREATE INDEX flows_by_id ON flows (generation, flow_id);

-- The few that people look for.
CREATE INDEX flows_flagged ON flows (start_ns, flow_id, capture, category, severity, abnormal)
    WHERE category <> 0 OR abnormal <> 0;

-- The predictions themselves, only ever appended; `row` orders them by when they were stored.
CREATE TABLE bodies (
    row INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

-- When rows were stored: all from `row` on at `stored_ns` or later.
CREATE TABLE marks (
    row INTEGER PRIMARY KEY,
    stored_ns INTEGER NOT NULL
);

-- Captures and their statistics; number 0 (with an empty id) is everything.
CREATE TABLE captures (
    capture INTEGER PRIMARY KEY,
    capture_id BLOB NOT NULL UNIQUE,
    sensor TEXT NOT NULL,
    stored_ns INTEGER NOT NULL,
    flows INTEGER NOT NULL,
    packets INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    attacks INTEGER NOT NULL,
    abnormal INTEGER NOT NULL,
    summary BLOB NOT NULL
);

-- The busiest hosts of a capture: side 0 sources, 1 destinations, in shards.
CREATE TABLE hosts (
    capture INTEGER NOT NULL,
    side INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    hosts BLOB NOT NULL,
    PRIMARY KEY (capture, side, shard)
) WITHOUT ROWID;

-- `live` 0: absorbed by another threat; kept so that an older state that comes again does not bring it back.
CREATE TABLE threats (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    threat_id BLOB NOT NULL UNIQUE,
    capture_id BLOB NOT NULL,
    category INTEGER NOT NULL,
    subject BLOB NOT NULL,
    start_ns INTEGER NOT NULL,
    flows INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    stored_ns INTEGER NOT NULL,
    live INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX threats_by_start ON threats (start_ns, threat_id) WHERE live = 1;
CREATE INDEX threats_by_capture ON threats (capture_id, category, live);
CREATE INDEX threats_by_stored ON threats (stored_ns);

-- What /api/predict was asked and answered.
CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    input TEXT NOT NULL,
    result TEXT NOT NULL,
    time_ns INTEGER NOT NULL
);

CREATE TABLE jobs (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL
);
