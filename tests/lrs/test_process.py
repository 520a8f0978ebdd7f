from sqlalchemy import Engine

from lrs.process import make_process
from lrs.tables import MAIN_TENANT


def test_a_process_begins_with_nothing(engine: Engine) -> None:
    process = make_process(engine)
    seen = process.remembered.glance(MAIN_TENANT)
    assert (seen.tenant, seen.seq) == (MAIN_TENANT, 0)
    with process.direct.driver() as driver:
        assert not process.remembered.refers(driver, MAIN_TENANT)
    process.direct.close()
