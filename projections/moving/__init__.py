"""Moving: exports, forks and databases of Arc 0.1.1 brought into a storage.

`transfer` makes a storage whose log was another's, `copying` takes a log from where it is to somewhere else,
`import_011` brings in a `database_011`, and `anchoring` keeps a digest of a log outside.
"""
