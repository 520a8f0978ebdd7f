import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.tables import MAIN_TENANT, Clock
from lrs.tenants import TenantExists, create_tenant, find_tenant
from statements.errors import Invalid, NotFound


def test_a_tenant_has_a_clock_of_its_own(db: Session) -> None:
    first = create_tenant(db, name=" academy ")
    second = create_tenant(db, name="county")
    assert find_tenant(db, name="academy").id == first.id
    assert len({MAIN_TENANT, first.id, second.id}) == 3
    for tenant in (first, second):
        assert db.scalar(select(Clock.seq).where(Clock.tenant_id == tenant.id)) == 0


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201, "a\0"])
def test_names_are_checked(db: Session, name: str) -> None:
    with pytest.raises(Invalid):
        create_tenant(db, name=name)


def test_a_name_is_given_once(db: Session) -> None:
    with pytest.raises(TenantExists):
        create_tenant(db, name="main")
    with pytest.raises(NotFound):
        find_tenant(db, name="nowhere")
