"""Folders, pins and deletions that can be undone; what was said can be found again."""

import uuid

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
import pgvector.django.halfvec
import pgvector.django.indexes
from django.conf import settings
from django.db import migrations, models

# The characters of a message that are searched, as in models.search.LONGEST_CHARACTERS.
KEEP_ENTRIES = """
CREATE FUNCTION danas_text_of(parts jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT left(string_agg(part ->> 'text', E'\\n'), 100000)
      FROM jsonb_array_elements(parts) AS part
     WHERE part ->> 'type' = 'text'
$$;

CREATE FUNCTION danas_keep_search_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said text := danas_text_of(NEW.parts);
    whose bigint;
BEGIN
    IF said IS NULL OR said !~ '\\S' THEN
        DELETE FROM assistant_searchmeaning WHERE entry_id = NEW.id;
        DELETE FROM assistant_searchentry WHERE message_id = NEW.id;
        RETURN NULL;
    END IF;
    SELECT owner_id INTO whose FROM assistant_conversation
     WHERE id = NEW.conversation_id AND is_listed AND NOT is_temporary;
    IF whose IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO assistant_searchentry (message_id, conversation_id, owner_id, role, text, created_at)
    VALUES (NEW.id, NEW.conversation_id, whose, NEW.role, said, NEW.created_at)
    ON CONFLICT (message_id) DO UPDATE SET text = EXCLUDED.text;
    INSERT INTO assistant_searchmeaning (entry_id, owner_id) VALUES (NEW.id, whose)
    ON CONFLICT (entry_id) DO UPDATE SET vector = NULL;
    RETURN NULL;
END $$;

CREATE TRIGGER danas_keep_search_entry
AFTER INSERT OR UPDATE OF parts ON assistant_message
FOR EACH ROW WHEN (NEW.parts <> '[]'::jsonb) EXECUTE FUNCTION danas_keep_search_entry();

CREATE TRIGGER danas_empty_search_entry
AFTER UPDATE OF parts ON assistant_message
FOR EACH ROW WHEN (NEW.parts = '[]'::jsonb AND OLD.parts <> '[]'::jsonb)
EXECUTE FUNCTION danas_keep_search_entry();

INSERT INTO assistant_searchentry (message_id, conversation_id, owner_id, role, text, created_at)
SELECT m.id, c.id, c.owner_id, m.role, danas_text_of(m.parts), m.created_at
  FROM assistant_message AS m JOIN assistant_conversation AS c ON c.id = m.conversation_id
 WHERE c.is_listed AND NOT c.is_temporary AND danas_text_of(m.parts) ~ '\\S';
INSERT INTO assistant_searchmeaning (entry_id, owner_id)
SELECT message_id, owner_id FROM assistant_searchentry;
"""

FORGET_ENTRIES = """
DROP TRIGGER danas_keep_search_entry ON assistant_message;
DROP TRIGGER danas_empty_search_entry ON assistant_message;
DROP FUNCTION danas_keep_search_entry();
DROP FUNCTION danas_text_of(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("assistant", "0002_accounts"),
        ("inference", "0001_extensions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Folder",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="folders",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("owner"),
                        django.db.models.functions.text.Lower("name"),
                        name="one_folder_of_a_name",
                    )
                ],
            },
        ),
        migrations.RemoveIndex(
            model_name="conversation", name="assistant_c_owner_i_18eabd_idx"
        ),
        migrations.AddField(
            model_name="conversation",
            name="deleted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="is_archived",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="is_pinned",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="titled_by",
            field=models.CharField(
                choices=[("rule", "Rule"), ("model", "Model"), ("person", "Person")],
                db_default="rule",
                default="rule",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="folder",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="conversations",
                to="assistant.folder",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="deleted_at",
            field=models.DateTimeField(help_text="it is really deleted soon after", null=True),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["deleted_at"],
                name="message_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at", None), ("is_listed", True), ("is_temporary", False)
                ),
                fields=["owner", "is_archived", "-updated_at", "-id"],
                name="conversation_list",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("folder__isnull", False)),
                fields=["folder", "-updated_at"],
                name="conversation_in_folder",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("is_pinned", True)),
                fields=["owner", "-updated_at"],
                name="conversation_pinned",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["deleted_at"],
                name="conversation_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("is_temporary", True)),
                fields=["updated_at"],
                name="conversation_temporary",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["title"], name="conversation_title", opclasses=["gin_trgm_ops"]
            ),
        ),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search_entry",
                        serialize=False,
                        to="assistant.message",
                    ),
                ),
                ("role", models.CharField(max_length=16)),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField(help_text="when the message was")),
                (
                    "words",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.contrib.postgres.search.SearchVector(
                            "text", config="simple"
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="search_entries",
                        to="assistant.conversation",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="search_entries",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ["-created_at"]},
        ),
        migrations.CreateModel(
            name="SearchMeaning",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="meaning",
                        serialize=False,
                        to="assistant.searchentry",
                    ),
                ),
                ("vector", pgvector.django.halfvec.HalfVectorField(dimensions=256, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunSQL(KEEP_ENTRIES, FORGET_ENTRIES),
        migrations.AddIndex(
            model_name="searchentry",
            index=models.Index(fields=["owner", "-created_at"], name="search_owner"),
        ),
        migrations.AddIndex(
            model_name="searchentry",
            index=django.contrib.postgres.indexes.GinIndex(fields=["words"], name="search_words"),
        ),
        migrations.AddIndex(
            model_name="searchentry",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["owner", "text"],
                name="search_parts",
                opclasses=["int8_ops", "gin_trgm_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="searchmeaning",
            index=models.Index(
                condition=models.Q(("vector__isnull", True)),
                fields=["entry"],
                name="search_meaning_missing",
            ),
        ),
        migrations.AddIndex(
            model_name="searchmeaning",
            index=pgvector.django.indexes.HnswIndex(
                fields=["vector"], name="search_meaning_near", opclasses=["halfvec_cosine_ops"]
            ),
        ),
    ]
