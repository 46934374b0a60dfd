import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import pgvector.django.indexes
import pgvector.django.vector
import uuid
from django.conf import settings
from django.db import migrations, models


# Whoever finds a way to change what was written down finds the database against them.
ONLY_ADDED = """
    CREATE FUNCTION assistant_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME;
    END $$;
    CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON assistant_auditentry
        FOR EACH ROW EXECUTE FUNCTION assistant_only_added();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("assistant", "0004_images_and_sharing"),
        ("inference", "0001_extensions"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("item", models.UUIDField(db_index=True)),
                ("feedback", models.UUIDField()),
                ("by", models.BigIntegerField()),
                ("by_name", models.CharField(max_length=150)),
                ("act", models.CharField(max_length=16)),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Bulk",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("accept", "Accept"),
                            ("correct", "Correct"),
                            ("reject", "Reject"),
                            ("redact", "Redact"),
                            ("escalate", "Escalate"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "items",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), size=None
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("applied_at", models.DateTimeField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("accept", "Accept"),
                            ("correct", "Correct"),
                            ("reject", "Reject"),
                            ("redact", "Redact"),
                            ("escalate", "Escalate"),
                        ],
                        max_length=16,
                    ),
                ),
                ("text", models.TextField(blank=True, help_text="the corrected answer")),
                ("note", models.TextField(blank=True)),
                ("is_second", models.BooleanField(default=False)),
                ("token", models.UUIDField(unique=True)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "bulk",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="decisions",
                        to="assistant.bulk",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["made_at"],
            },
        ),
        migrations.CreateModel(
            name="Redaction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("words", models.TextField()),
                ("is_undone", models.BooleanField(default=False)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="redactions",
                        to="assistant.conversation",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="redactions",
                        to="assistant.decision",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReviewItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("pseudonym", models.CharField(db_index=True, max_length=32)),
                ("kind", models.CharField(max_length=16)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None
                    ),
                ),
                ("policy", models.CharField(max_length=80)),
                ("path", models.JSONField(default=list)),
                ("answer", models.TextField()),
                (
                    "over",
                    models.TextField(blank=True, help_text="the sibling that a preference rejects"),
                ),
                (
                    "said",
                    models.TextField(blank=True, help_text="the comment, or the answer they wrote"),
                ),
                (
                    "words",
                    models.TextField(
                        help_text="what is searched and compared: the last of path, and all"
                    ),
                ),
                (
                    "document",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.contrib.postgres.search.SearchVector(
                            "words", config="simple"
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "polarity",
                    models.SmallIntegerField(
                        default=0, help_text="1 liked, -1 disliked, 0 neither"
                    ),
                ),
                ("meaning", pgvector.django.vector.VectorField(dimensions=256, null=True)),
                ("pii", models.JSONField(default=list)),
                ("has_pii", models.BooleanField(default=False)),
                ("described_at", models.DateTimeField(null=True)),
                ("influence", models.FloatField(null=True)),
                (
                    "unsure",
                    models.FloatField(
                        help_text="4p(1-p) of what the reward model predicted", null=True
                    ),
                ),
                ("priority", models.FloatField(default=0, help_text="influence times unsure")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("accepted", "Accepted"),
                            ("corrected", "Corrected"),
                            ("rejected", "Rejected"),
                            ("redacted", "Redacted"),
                            ("escalated", "Escalated"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("token", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("needs_second", models.BooleanField(default=False)),
                ("decided_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(help_text="when the feedback was given")),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="assistant.conversation"
                    ),
                ),
                (
                    "feedback",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="review",
                        to="assistant.feedback",
                    ),
                ),
                (
                    "first_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "holder",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reviewed",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="decision",
            name="item",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="decisions",
                to="assistant.reviewitem",
            ),
        ),
        migrations.CreateModel(
            name="Contradiction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("closeness", models.FloatField(help_text="cosine of the two meanings")),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="opposed",
                        to="assistant.reviewitem",
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="assistant.reviewitem",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(
                models.OrderBy(models.F("priority"), descending=True),
                models.F("created_at"),
                models.F("id"),
                condition=models.Q(("state", "pending")),
                name="review_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(fields=["state", "-created_at", "id"], name="review_newest"),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(
                condition=models.Q(("described_at", None)),
                fields=["created_at"],
                name="review_undescribed",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["document"], name="review_words"
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=pgvector.django.indexes.HnswIndex(
                fields=["meaning"], name="review_meaning", opclasses=["vector_cosine_ops"]
            ),
        ),
        migrations.AddConstraint(
            model_name="contradiction",
            constraint=models.UniqueConstraint(fields=("item", "other"), name="contradicts_once"),
        ),
        migrations.RunSQL(ONLY_ADDED, "DROP FUNCTION assistant_only_added() CASCADE"),
    ]
