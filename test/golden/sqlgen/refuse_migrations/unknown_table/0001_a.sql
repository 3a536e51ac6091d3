-- A view may name anything; an index may not.
CREATE INDEX i ON nothing (a);
