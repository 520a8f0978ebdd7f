"""Learning record store: log of statements, documents, jobs, storage and rules."""
