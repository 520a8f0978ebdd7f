"""cmi5: what it asks of the system that launches units (sections 6 to 12)."""
