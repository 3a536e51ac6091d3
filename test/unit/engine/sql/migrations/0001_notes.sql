CREATE TABLE author (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE note (
    id TEXT NOT NULL PRIMARY KEY,
    author_id INTEGER NOT NULL REFERENCES author (id),
    title TEXT NOT NULL,
    body TEXT,
    weight REAL NOT NULL,
    score REAL,
    stars INTEGER,
    digest BLOB NOT NULL,
    picture BLOB
) STRICT;
