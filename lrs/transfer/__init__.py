"""Statements out of a record store and into one, as files of one statement a line.

An export is up to three things that stay together: PATH with the statements,
`PATH.json` that says what they are, and the folder `PATH.attachments` with the data of
their attachments, each named by its hash. Any other file of one statement a line can
be imported too.
"""
