"""xAPI: the pure domain, without web, database or files."""
