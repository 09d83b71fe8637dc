CREATE TABLE teas (name text PRIMARY KEY, cents integer NOT NULL);
INSERT INTO teas VALUES ('assam', 450), ('gyokuro', 1900), ('oolong', 780);
