"""Speed of the record store beside what its database can do by itself.

    make bench
    python -m tests.bench post-1 --seconds 3

Every figure is a ratio of two things measured in turn on the same cores, so that it
says something on any machine; docs/performance.md is written from them.
"""
