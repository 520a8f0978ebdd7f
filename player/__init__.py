"""Player: launches, run-time, content origin."""
