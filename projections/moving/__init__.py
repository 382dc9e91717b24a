"""Moving: exports, forks and databases of Arc 0.1.1 brought into a storage."""
