"""initial."""

import sqlalchemy as sa
from alembic import op

import lrs.db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("activity_key", sa.Uuid(), nullable=False),
        sa.Column("iri", sa.Text(), nullable=False),
        sa.Column("definition", lrs.db.Json(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "activity_key", name=op.f("pk_activity")),
    )
    op.create_table(
        "activity_role",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("activity_key", sa.Uuid(), nullable=False),
        sa.Column("activity_iri", sa.Text(), nullable=False),
        sa.Column("unit_key", sa.Uuid(), nullable=True),
        sa.Column("course_key", sa.Uuid(), nullable=False),
        sa.Column("course_iri", sa.Text(), nullable=False),
        sa.Column("revision", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("proposed", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(length=200), nullable=True),
        sa.Column("recorded_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name=op.f("pk_activity_role")),
    )
    op.create_index(
        "ix_activity_role_activity",
        "activity_role",
        ["tenant_id", "activity_key", "number"],
        unique=False,
    )
    op.create_index(
        "ix_activity_role_course",
        "activity_role",
        ["tenant_id", "course_key", "number"],
        unique=False,
    )
    op.create_index(
        "ix_activity_role_role", "activity_role", ["tenant_id", "role"], unique=False
    )
    op.create_table(
        "actor",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor_key", sa.Uuid(), nullable=False),
        sa.Column("ifi", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "actor_key", name=op.f("pk_actor")),
    )
    op.create_table(
        "agency",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("in_program", sa.Boolean(), nullable=False),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
        sa.UniqueConstraint("name", name=op.f("uq_agency_name")),
        sa.UniqueConstraint("slug", name=op.f("uq_agency_slug")),
    )
    op.create_table(
        "attachment",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attachment_key", sa.Uuid(), nullable=False),
        sa.Column("sha2", sa.String(length=128), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("is_kept", sa.Boolean(), nullable=False),
        sa.Column("unclaimed_since", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint(
            "tenant_id", "attachment_key", name=op.f("pk_attachment")
        ),
    )
    op.create_index(
        "ix_attachment_unclaimed",
        "attachment",
        ["unclaimed_since"],
        unique=False,
        postgresql_where=sa.text("unclaimed_since IS NOT NULL"),
        sqlite_where=sa.text("unclaimed_since IS NOT NULL"),
    )
    op.create_table(
        "attachment_source",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attachment_key", sa.Uuid(), nullable=False),
        sa.Column("authority_key", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "attachment_key",
            "authority_key",
            name=op.f("pk_attachment_source"),
        ),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("registration", sa.Uuid(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("values", lrs.db.Json(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("completion", sa.String(length=12), nullable=False),
        sa.Column("success", sa.String(length=8), nullable=False),
        sa.Column("scaled", lrs.db.Exact(length=40), nullable=True),
        sa.Column("seconds", lrs.db.Exact(length=40), nullable=False),
        sa.Column("opened_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("saved_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index(
        "ix_attempt_unit",
        "attempt",
        ["tenant_id", "registration", "package_id", "unit"],
        unique=False,
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.String(length=80), nullable=False),
        sa.Column("detail", lrs.db.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"], unique=False)
    op.create_index(
        "ix_audit_entry_subject", "audit_entry", ["subject_id", "at"], unique=False
    )
    op.create_table(
        "authority",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("authority_key", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "authority_key", name=op.f("pk_authority")
        ),
    )
    op.create_table(
        "award",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("award", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("entry", sa.String(length=20), nullable=False),
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("ifi", sa.Text(), nullable=False),
        sa.Column("course_key", sa.Uuid(), nullable=False),
        sa.Column("course_iri", sa.Text(), nullable=False),
        sa.Column("registration", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.String(length=100), nullable=False),
        sa.Column("product", sa.String(length=400), nullable=False),
        sa.Column("period", sa.String(length=80), nullable=False),
        sa.Column("policy", sa.String(length=100), nullable=False),
        sa.Column("policy_from", sa.Date(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("term", sa.String(length=40), nullable=True),
        sa.Column("cycle", sa.String(length=40), nullable=True),
        sa.Column("at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ready_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("scaled", lrs.db.Exact(length=40), nullable=True),
        sa.Column("hours", lrs.db.Exact(length=40), nullable=True),
        sa.Column("credit", lrs.db.Exact(length=40), nullable=True),
        sa.Column("transfer", sa.String(length=40), nullable=False),
        sa.Column("mandates", lrs.db.Json(), nullable=False),
        sa.Column("flags", lrs.db.Json(), nullable=False),
        sa.Column("evidence", lrs.db.Json(), nullable=False),
        sa.Column("completion", sa.Uuid(), nullable=True),
        sa.Column("cause_seq", sa.BigInteger(), nullable=False),
        sa.Column("cause_change", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_award")),
    )
    op.create_index(
        "ix_award_award", "award", ["tenant_id", "award", "number"], unique=False
    )
    op.create_index(
        "ix_award_course", "award", ["tenant_id", "course_key", "at"], unique=False
    )
    op.create_index("ix_award_number", "award", ["tenant_id", "number"], unique=True)
    op.create_index(
        "ix_award_person", "award", ["tenant_id", "person", "number"], unique=False
    )
    op.create_index(
        "ix_award_registration",
        "award",
        ["tenant_id", "registration", "number"],
        unique=False,
    )
    op.create_table(
        "course_structure",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("course_key", sa.Uuid(), nullable=False),
        sa.Column("course_iri", sa.Text(), nullable=False),
        sa.Column("revision", sa.String(length=100), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("units", lrs.db.Json(), nullable=False),
        sa.Column("effective_from", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "number", name=op.f("pk_course_structure")
        ),
    )
    op.create_index(
        "ix_course_structure_course",
        "course_structure",
        ["tenant_id", "course_key", "number"],
        unique=False,
    )
    op.create_table(
        "course_unit",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("activity_key", sa.Uuid(), nullable=False),
        sa.Column("course_key", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "activity_key", "course_key", name=op.f("pk_course_unit")
        ),
    )
    op.create_table(
        "document",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("context_key", sa.Uuid(), nullable=False),
        sa.Column("document_key", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("actor_key", sa.Uuid(), nullable=True),
        sa.Column("ifi", sa.Text(), nullable=True),
        sa.Column("activity", sa.Text(), nullable=True),
        sa.Column("registration", sa.Uuid(), nullable=True),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("etag", sa.String(length=40), nullable=False),
        sa.Column("updated", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "context_key", "document_key", name=op.f("pk_document")
        ),
    )
    op.create_index(
        "ix_document_actor", "document", ["tenant_id", "actor_key"], unique=False
    )
    op.create_table(
        "follower",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_follower")),
    )
    op.create_table(
        "indirect",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ref_key", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("usage", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "ref_key", "seq", "usage", name=op.f("pk_indirect")
        ),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("payload", lrs.db.Json(), nullable=False),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("run_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("done_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_due", "job", ["done_at", "run_at"], unique=False)
    op.create_table(
        "offer",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("course_key", sa.Uuid(), nullable=False),
        sa.Column("course_iri", sa.Text(), nullable=False),
        sa.Column("policy", sa.String(length=100), nullable=False),
        sa.Column("product", sa.String(length=400), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("hours", lrs.db.Exact(length=40), nullable=True),
        sa.Column("credit", lrs.db.Exact(length=40), nullable=True),
        sa.Column("transfer", sa.String(length=40), nullable=False),
        sa.Column("audience", lrs.db.Json(), nullable=False),
        sa.Column("mandates", lrs.db.Json(), nullable=False),
        sa.Column("approvals", lrs.db.Json(), nullable=False),
        sa.Column("effective_from", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name=op.f("pk_offer")),
    )
    op.create_index(
        "ix_offer_course", "offer", ["tenant_id", "course_key", "number"], unique=False
    )
    op.create_index("ix_offer_product", "offer", ["tenant_id", "product"], unique=False)
    op.create_table(
        "person_link",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor_key", sa.Uuid(), nullable=False),
        sa.Column("ifi", sa.Text(), nullable=False),
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("previous", sa.Uuid(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("recorded_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "number", "actor_key", name=op.f("pk_person_link")
        ),
    )
    op.create_index(
        "ix_person_link_actor",
        "person_link",
        ["tenant_id", "actor_key", "number"],
        unique=False,
    )
    op.create_index(
        "ix_person_link_person",
        "person_link",
        ["tenant_id", "person", "number"],
        unique=False,
    )
    op.create_table(
        "portal_session",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("data", lrs.db.Json(), nullable=False),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("seen_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_portal_session")),
    )
    op.create_index(
        "ix_portal_session_seen", "portal_session", ["seen_at"], unique=False
    )
    op.create_table(
        "preview",
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Integer(), nullable=False),
        sa.Column("opened_by", sa.String(length=255), nullable=False),
        sa.Column("expires_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("label", name=op.f("pk_preview")),
    )
    op.create_index(
        op.f("ix_preview_expires_at"), "preview", ["expires_at"], unique=False
    )
    op.create_table(
        "reference",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ref_key", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("usage", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "ref_key", "seq", "usage", name=op.f("pk_reference")
        ),
    )
    op.create_table(
        "registration",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("registration", sa.Uuid(), nullable=False),
        sa.Column("actor_ifi", sa.Text(), nullable=False),
        sa.Column("launch_id", sa.Uuid(), nullable=True),
        sa.Column("completed_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("shared", lrs.db.Json(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "registration", name=op.f("pk_registration")
        ),
    )
    op.create_table(
        "rules_change",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("course_key", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name=op.f("pk_rules_change")),
    )
    op.create_table(
        "rules_cursor",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_rules_cursor")),
    )
    op.create_table(
        "rules_review",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("clock", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reviewed_by", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name=op.f("pk_rules_review")),
    )
    op.create_index(
        "ix_rules_review_statement",
        "rules_review",
        ["tenant_id", "statement_id", "number"],
        unique=False,
    )
    op.create_table(
        "sign_in_tries",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("since", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_tries")),
    )
    op.create_table(
        "standing",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("course_key", sa.Uuid(), nullable=False),
        sa.Column("registration", sa.Uuid(), nullable=False),
        sa.Column("course_iri", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("product", sa.String(length=400), nullable=True),
        sa.Column("award", sa.Uuid(), nullable=True),
        sa.Column("decision", lrs.db.Json(), nullable=False),
        sa.Column("cause_seq", sa.BigInteger(), nullable=False),
        sa.Column("cause_change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "person",
            "course_key",
            "registration",
            name=op.f("pk_standing"),
        ),
    )
    op.create_index(
        "ix_standing_course", "standing", ["tenant_id", "course_key"], unique=False
    )
    op.create_index(
        "ix_standing_product",
        "standing",
        ["tenant_id", "person", "product"],
        unique=False,
    )
    op.create_index(
        "ix_standing_registration",
        "standing",
        ["tenant_id", "registration"],
        unique=False,
    )
    op.create_table(
        "statement",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("stored", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("timestamp", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor_key", sa.Uuid(), nullable=True),
        sa.Column("verb_key", sa.Uuid(), nullable=False),
        sa.Column("activity_key", sa.Uuid(), nullable=True),
        sa.Column("registration", sa.Uuid(), nullable=True),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("voids_id", sa.Uuid(), nullable=True),
        sa.Column("voids_any", sa.Boolean(), nullable=False),
        sa.Column("has_score", sa.Boolean(), nullable=False),
        sa.Column("plain", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.String(length=10), nullable=False),
        sa.Column("authority_key", sa.Uuid(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "seq", name=op.f("pk_statement")),
    )
    op.create_index(
        "ix_statement_activity",
        "statement",
        ["tenant_id", "activity_key", "seq"],
        unique=False,
        postgresql_where=sa.text("activity_key IS NOT NULL"),
        sqlite_where=sa.text("activity_key IS NOT NULL"),
    )
    op.create_index(
        "ix_statement_actor",
        "statement",
        ["tenant_id", "actor_key", "seq"],
        unique=False,
    )
    op.create_index(
        "ix_statement_id", "statement", ["tenant_id", "statement_id"], unique=True
    )
    op.create_index(
        "ix_statement_registration",
        "statement",
        ["tenant_id", "registration", "seq"],
        unique=False,
        postgresql_where=sa.text("registration IS NOT NULL"),
        sqlite_where=sa.text("registration IS NOT NULL"),
    )
    op.create_index(
        "ix_statement_stored", "statement", ["tenant_id", "stored"], unique=False
    )
    op.create_index(
        "ix_statement_target",
        "statement",
        ["tenant_id", "target_id"],
        unique=False,
        postgresql_where=sa.text("target_id IS NOT NULL"),
        sqlite_where=sa.text("target_id IS NOT NULL"),
    )
    op.create_index(
        "ix_statement_verb", "statement", ["tenant_id", "verb_key", "seq"], unique=False
    )
    op.create_index(
        "ix_statement_voids",
        "statement",
        ["tenant_id", "voids_id"],
        unique=False,
        postgresql_where=sa.text("voids_id IS NOT NULL"),
        sqlite_where=sa.text("voids_id IS NOT NULL"),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
        sa.UniqueConstraint("name", name=op.f("uq_tenant_name")),
    )
    op.create_table(
        "clock",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("stored", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("referring", sa.BigInteger(), nullable=False),
        sa.Column("largest", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_clock_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_clock")),
    )
    op.create_table(
        "course",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("objectives", lrs.db.Json(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_course_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
    )
    op.create_index(
        "ix_course_tenant_id", "course", ["tenant_id", "created_at"], unique=False
    )
    op.create_table(
        "credential",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("scopes", lrs.db.Json(), nullable=False),
        sa.Column("authority", lrs.db.Json(), nullable=False),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_credential_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_credential")),
        sa.UniqueConstraint("key", name=op.f("uq_credential_key")),
    )
    op.create_table(
        "launch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("registration", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Integer(), nullable=False),
        sa.Column("standard", sa.String(length=12), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("actor", lrs.db.Json(), nullable=False),
        sa.Column("actor_ifi", sa.Text(), nullable=False),
        sa.Column("learner_name", sa.Text(), nullable=False),
        sa.Column("course_iri", sa.Text(), nullable=False),
        sa.Column("course_title", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("mastery", lrs.db.Json(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("opened_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("received_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("event_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.Column("commands", sa.Integer(), nullable=False),
        sa.Column("mono", sa.BigInteger(), nullable=True),
        sa.Column("elapsed", sa.BigInteger(), nullable=False),
        sa.Column("counted", lrs.db.Exact(length=40), nullable=False),
        sa.Column("counted_seat", lrs.db.Exact(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_launch_attempt_id_attempt")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_launch")),
    )
    op.create_index(
        "ix_launch_actor",
        "launch",
        ["tenant_id", "actor_ifi", "opened_at"],
        unique=False,
    )
    op.create_index(op.f("ix_launch_label"), "launch", ["label"], unique=False)
    op.create_index("ix_launch_live", "launch", ["live", "received_at"], unique=False)
    op.create_index(
        "ix_launch_opened", "launch", ["tenant_id", "opened_at", "id"], unique=False
    )
    op.create_index(
        "ix_launch_registration",
        "launch",
        ["tenant_id", "registration", "opened_at"],
        unique=False,
    )
    op.create_table(
        "package",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("standard", sa.String(length=20), nullable=True),
        sa.Column("edition", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("manifest", lrs.db.Json(), nullable=True),
        sa.Column("findings", lrs.db.Json(), nullable=False),
        sa.Column("needed_hosts", lrs.db.Json(), nullable=False),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_package_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package")),
    )
    op.create_index(
        "ix_package_created_at", "package", ["tenant_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_package_sha256", "package", ["tenant_id", "sha256"], unique=False
    )
    op.create_table(
        "package_quota",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bound", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_package_quota_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_package_quota")),
    )
    op.create_table(
        "portal_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("uniquifier", sa.String(length=64), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.String(length=20), nullable=False),
        sa.Column("confirmed_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("signed_in_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agency.id"], name=op.f("fk_portal_user_agency_id_agency")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_user")),
        sa.UniqueConstraint("email", name=op.f("uq_portal_user_email")),
        sa.UniqueConstraint("uniquifier", name=op.f("uq_portal_user_uniquifier")),
    )
    op.create_index("ix_portal_user_agency", "portal_user", ["agency_id"], unique=False)
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("parts_name", sa.Text(), nullable=False),
        sa.Column("tags", lrs.db.Json(), nullable=False),
        sa.Column("tail", sa.Uuid(), nullable=True),
        sa.Column("writer", sa.Uuid(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("is_accepted", sa.Boolean(), nullable=False),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_upload_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_index("ix_upload_expires_at", "upload", ["expires_at"], unique=False)
    op.create_index("ix_upload_owner", "upload", ["tenant_id", "owner"], unique=False)
    op.create_table(
        "cmi5_session",
        sa.Column("launch_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("registration", sa.Uuid(), nullable=False),
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("launch_data", lrs.db.Json(), nullable=False),
        sa.Column("launched_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("fetched_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("preferences_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("initialized_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("completed_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("passed_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("failed_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("terminated_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("abandoned_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["launch_id"], ["launch.id"], name=op.f("fk_cmi5_session_launch_id_launch")
        ),
        sa.PrimaryKeyConstraint("launch_id", name=op.f("pk_cmi5_session")),
        sa.UniqueConstraint("key", name=op.f("uq_cmi5_session_key")),
    )
    op.create_index(
        "ix_cmi5_session_registration",
        "cmi5_session",
        ["tenant_id", "registration", "activity"],
        unique=False,
    )
    op.create_table(
        "course_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("added_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("removed_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["course.id"],
            name=op.f("fk_course_document_course_id_course"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_document")),
    )
    op.create_index(
        "ix_course_document_course",
        "course_document",
        ["course_id", "added_at"],
        unique=False,
    )
    op.create_table(
        "course_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("published_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["course.id"],
            name=op.f("fk_course_version_course_id_course"),
        ),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["package.id"],
            name=op.f("fk_course_version_package_id_package"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_version")),
        sa.UniqueConstraint(
            "course_id", "number", name=op.f("uq_course_version_course_id_number")
        ),
    )
    op.create_index(
        op.f("ix_course_version_package_id"),
        "course_version",
        ["package_id"],
        unique=False,
    )
    op.create_table(
        "credential_use",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("whole_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "credential_id"],
            ["credential.tenant_id", "credential.id"],
            name=op.f("fk_credential_use_tenant_id_credential"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "credential_id", name=op.f("pk_credential_use")
        ),
    )
    op.create_table(
        "enrolment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("course_version_id", sa.Uuid(), nullable=False),
        sa.Column("course_title", sa.Text(), nullable=False),
        sa.Column("revision", sa.String(length=100), nullable=False),
        sa.Column("term", sa.String(length=40), nullable=False),
        sa.Column("registration", sa.Uuid(), nullable=False),
        sa.Column("enrolled_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("dropped_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("attested_at", lrs.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("attested_version", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name=op.f("fk_enrolment_user_id_portal_user"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
    )
    op.create_index("ix_enrolment_course", "enrolment", ["course_id"], unique=False)
    op.create_index(
        "ix_enrolment_once", "enrolment", ["user_id", "course_id", "term"], unique=True
    )
    op.create_index(
        "ix_enrolment_registration", "enrolment", ["registration"], unique=True
    )
    op.create_table(
        "entry",
        sa.Column("launch_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("changes", lrs.db.Json(), nullable=False),
        sa.Column("findings", lrs.db.Json(), nullable=False),
        sa.Column("calls", lrs.db.Json(), nullable=True),
        sa.Column("opening", lrs.db.Json(), nullable=True),
        sa.Column("client_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("event_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("received_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("mono", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("is_chained", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["launch_id"], ["launch.id"], name=op.f("fk_entry_launch_id_launch")
        ),
        sa.PrimaryKeyConstraint("launch_id", "seq", name=op.f("pk_entry")),
    )
    op.create_table(
        "package_file",
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("storage_key", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("gzip_size", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["package.id"],
            name=op.f("fk_package_file_package_id_package"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("package_id", "path", name=op.f("pk_package_file")),
    )
    op.create_table(
        "side_entry",
        sa.Column("launch_id", sa.Uuid(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("changes", lrs.db.Json(), nullable=False),
        sa.Column("client_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("received_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["launch_id"], ["launch.id"], name=op.f("fk_side_entry_launch_id_launch")
        ),
        sa.PrimaryKeyConstraint("launch_id", "uuid", name=op.f("pk_side_entry")),
    )
    op.create_table(
        "token",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", lrs.db.Json(), nullable=False),
        sa.Column("created_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "credential_id"],
            ["credential.tenant_id", "credential.id"],
            name=op.f("fk_token_tenant_id_credential"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "sha256", name=op.f("pk_token")),
        sa.UniqueConstraint("sha256", name=op.f("uq_token_sha256")),
    )
    op.create_index(
        op.f("ix_token_credential_id"), "token", ["credential_id"], unique=False
    )
    op.create_index(op.f("ix_token_expires_at"), "token", ["expires_at"], unique=False)
    op.create_table(
        "user_role",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name=op.f("fk_user_role_user_id_portal_user"),
        ),
        sa.PrimaryKeyConstraint("user_id", "role", name=op.f("pk_user_role")),
    )
    op.create_table(
        "xapi_key",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("launch_id", sa.Uuid(), nullable=False),
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["launch_id"], ["launch.id"], name=op.f("fk_xapi_key_launch_id_launch")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_xapi_key")),
    )
    op.create_index(
        op.f("ix_xapi_key_launch_id"), "xapi_key", ["launch_id"], unique=False
    )
    op.create_table(
        "allowed_host",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("allowed_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("allowed_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["course_version.id"],
            name=op.f("fk_allowed_host_version_id_course_version"),
        ),
        sa.PrimaryKeyConstraint("version_id", "host", name=op.f("pk_allowed_host")),
    )
    op.create_table(
        "certificate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("award", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=True),
        sa.Column("learner_name", sa.String(length=200), nullable=False),
        sa.Column("agency_name", sa.String(length=200), nullable=False),
        sa.Column("course_title", sa.Text(), nullable=False),
        sa.Column("term", sa.String(length=40), nullable=False),
        sa.Column("hours", lrs.db.Exact(length=40), nullable=True),
        sa.Column("credit", lrs.db.Exact(length=40), nullable=True),
        sa.Column("completed_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=120), nullable=False),
        sa.Column("issued_at", lrs.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("files", lrs.db.Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agency.id"], name=op.f("fk_certificate_agency_id_agency")
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["enrolment.id"],
            name=op.f("fk_certificate_enrolment_id_enrolment"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name=op.f("fk_certificate_user_id_portal_user"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("award", name=op.f("uq_certificate_award")),
        sa.UniqueConstraint("code", name=op.f("uq_certificate_code")),
    )
    op.create_index("ix_certificate_agency", "certificate", ["agency_id"], unique=False)
    op.create_index(
        "ix_certificate_enrolment", "certificate", ["enrolment_id"], unique=False
    )
    op.create_index(
        "ix_certificate_user", "certificate", ["user_id", "completed_at"], unique=False
    )
    # the portal's own store, with its clock
    op.execute("INSERT INTO tenant (id, name, revision) VALUES (1, 'main', 0)")
    op.execute(
        "INSERT INTO clock (tenant_id, seq, stored, referring, largest) "
        "VALUES (1, 0, '2000-01-01 00:00:00.000000', 0, 0)"
    )


def downgrade() -> None:
    op.drop_index("ix_certificate_user", table_name="certificate")
    op.drop_index("ix_certificate_enrolment", table_name="certificate")
    op.drop_index("ix_certificate_agency", table_name="certificate")
    op.drop_table("certificate")
    op.drop_table("allowed_host")
    op.drop_index(op.f("ix_xapi_key_launch_id"), table_name="xapi_key")
    op.drop_table("xapi_key")
    op.drop_table("user_role")
    op.drop_index(op.f("ix_token_expires_at"), table_name="token")
    op.drop_index(op.f("ix_token_credential_id"), table_name="token")
    op.drop_table("token")
    op.drop_table("side_entry")
    op.drop_table("package_file")
    op.drop_table("entry")
    op.drop_index("ix_enrolment_registration", table_name="enrolment")
    op.drop_index("ix_enrolment_once", table_name="enrolment")
    op.drop_index("ix_enrolment_course", table_name="enrolment")
    op.drop_table("enrolment")
    op.drop_table("credential_use")
    op.drop_index(op.f("ix_course_version_package_id"), table_name="course_version")
    op.drop_table("course_version")
    op.drop_index("ix_course_document_course", table_name="course_document")
    op.drop_table("course_document")
    op.drop_index("ix_cmi5_session_registration", table_name="cmi5_session")
    op.drop_table("cmi5_session")
    op.drop_index("ix_upload_owner", table_name="upload")
    op.drop_index("ix_upload_expires_at", table_name="upload")
    op.drop_table("upload")
    op.drop_index("ix_portal_user_agency", table_name="portal_user")
    op.drop_table("portal_user")
    op.drop_table("package_quota")
    op.drop_index("ix_package_sha256", table_name="package")
    op.drop_index("ix_package_created_at", table_name="package")
    op.drop_table("package")
    op.drop_index("ix_launch_registration", table_name="launch")
    op.drop_index("ix_launch_opened", table_name="launch")
    op.drop_index("ix_launch_live", table_name="launch")
    op.drop_index(op.f("ix_launch_label"), table_name="launch")
    op.drop_index("ix_launch_actor", table_name="launch")
    op.drop_table("launch")
    op.drop_table("credential")
    op.drop_index("ix_course_tenant_id", table_name="course")
    op.drop_table("course")
    op.drop_table("clock")
    op.drop_table("tenant")
    op.drop_index(
        "ix_statement_voids",
        table_name="statement",
        postgresql_where=sa.text("voids_id IS NOT NULL"),
        sqlite_where=sa.text("voids_id IS NOT NULL"),
    )
    op.drop_index("ix_statement_verb", table_name="statement")
    op.drop_index(
        "ix_statement_target",
        table_name="statement",
        postgresql_where=sa.text("target_id IS NOT NULL"),
        sqlite_where=sa.text("target_id IS NOT NULL"),
    )
    op.drop_index("ix_statement_stored", table_name="statement")
    op.drop_index(
        "ix_statement_registration",
        table_name="statement",
        postgresql_where=sa.text("registration IS NOT NULL"),
        sqlite_where=sa.text("registration IS NOT NULL"),
    )
    op.drop_index("ix_statement_id", table_name="statement")
    op.drop_index("ix_statement_actor", table_name="statement")
    op.drop_index(
        "ix_statement_activity",
        table_name="statement",
        postgresql_where=sa.text("activity_key IS NOT NULL"),
        sqlite_where=sa.text("activity_key IS NOT NULL"),
    )
    op.drop_table("statement")
    op.drop_index("ix_standing_registration", table_name="standing")
    op.drop_index("ix_standing_product", table_name="standing")
    op.drop_index("ix_standing_course", table_name="standing")
    op.drop_table("standing")
    op.drop_table("sign_in_tries")
    op.drop_index("ix_rules_review_statement", table_name="rules_review")
    op.drop_table("rules_review")
    op.drop_table("rules_cursor")
    op.drop_table("rules_change")
    op.drop_table("registration")
    op.drop_table("reference")
    op.drop_index(op.f("ix_preview_expires_at"), table_name="preview")
    op.drop_table("preview")
    op.drop_index("ix_portal_session_seen", table_name="portal_session")
    op.drop_table("portal_session")
    op.drop_index("ix_person_link_person", table_name="person_link")
    op.drop_index("ix_person_link_actor", table_name="person_link")
    op.drop_table("person_link")
    op.drop_index("ix_offer_product", table_name="offer")
    op.drop_index("ix_offer_course", table_name="offer")
    op.drop_table("offer")
    op.drop_index("ix_job_due", table_name="job")
    op.drop_table("job")
    op.drop_table("indirect")
    op.drop_table("follower")
    op.drop_index("ix_document_actor", table_name="document")
    op.drop_table("document")
    op.drop_table("course_unit")
    op.drop_index("ix_course_structure_course", table_name="course_structure")
    op.drop_table("course_structure")
    op.drop_index("ix_award_registration", table_name="award")
    op.drop_index("ix_award_person", table_name="award")
    op.drop_index("ix_award_number", table_name="award")
    op.drop_index("ix_award_course", table_name="award")
    op.drop_index("ix_award_award", table_name="award")
    op.drop_table("award")
    op.drop_table("authority")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.drop_index("ix_audit_entry_at", table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_index("ix_attempt_unit", table_name="attempt")
    op.drop_table("attempt")
    op.drop_table("attachment_source")
    op.drop_index(
        "ix_attachment_unclaimed",
        table_name="attachment",
        postgresql_where=sa.text("unclaimed_since IS NOT NULL"),
        sqlite_where=sa.text("unclaimed_since IS NOT NULL"),
    )
    op.drop_table("attachment")
    op.drop_table("agency")
    op.drop_table("actor")
    op.drop_index("ix_activity_role_role", table_name="activity_role")
    op.drop_index("ix_activity_role_course", table_name="activity_role")
    op.drop_index("ix_activity_role_activity", table_name="activity_role")
    op.drop_table("activity_role")
    op.drop_table("activity")
