"""The player: launches, the SCORM run-time, and its translation to xAPI."""
