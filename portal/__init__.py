"""The portal: people, agencies, catalogue, enrolment, certificates and their pages.

The top floor: it imports the four below, and nothing imports it but wsgi.py.
"""
