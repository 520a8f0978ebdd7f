"""Rules: dated policies over statements give completions and credit."""
