"""Python processes that find this file live at the time that ROLLCALLTEST_NOW gives.

Requests to the S3 server are signed by the true time, or it would refuse them.
"""

import os
from datetime import UTC, datetime

if "ROLLCALLTEST_NOW" in os.environ:
    import botocore.auth
    import time_machine

    def true_time(remove_tzinfo: bool = True) -> datetime:  # noqa: FBT001, FBT002
        """Give what the clock on the wall says."""
        now = time_machine.escape_hatch.datetime.datetime.now(UTC)
        return now.replace(tzinfo=None) if remove_tzinfo else now

    botocore.auth.get_current_datetime = true_time
    time_machine.travel(
        datetime.fromisoformat(os.environ["ROLLCALLTEST_NOW"]), tick=True
    ).start()
