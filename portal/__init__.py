"""Portal: users, agencies, catalogue, enrolment, certificates."""
