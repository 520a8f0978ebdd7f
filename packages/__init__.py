"""Packages: from an uploaded file to a course that can be launched."""
