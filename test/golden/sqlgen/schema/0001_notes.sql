-- What the queries of these tests are checked against.
CREATE TABLE author (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    email TEXT
) STRICT;

CREATE TABLE note (
    id TEXT NOT NULL PRIMARY KEY,
    author_id INTEGER NOT NULL REFERENCES author (id),
    title TEXT NOT NULL,
    body TEXT,
    weight REAL NOT NULL DEFAULT 1.0,
    score REAL,
    stars INTEGER,
    picture BLOB,
    digest BLOB NOT NULL,
    extra ANY
) STRICT;

CREATE INDEX note_by_author ON note (author_id);
