import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from inference.diffusion.prompt import to_messages
from inference.diffusion.window import from_json


# As review.redaction.hidden, and stricter: memory may have kept a sentence of the words without the
# rest. A text in which a longer piece of them is left is hidden whole.
HIDE = r"""
CREATE FUNCTION danas_hidden(said text, words text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY words LOOP
        said := replace(said, each, '[redacted]');
    END LOOP;
    IF EXISTS (
        SELECT FROM unnest(words) AS whole, regexp_split_to_table(whole, '[\s[:punct:]]+') AS piece
         WHERE (length(piece) > 3 OR piece ~ '^\d{3}$') AND strpos(lower(said), lower(piece)) > 0
    ) THEN
        RETURN '[redacted]';
    END IF;
    RETURN said;
END $$;

CREATE FUNCTION danas_hidden_turns(turns jsonb, words text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(
               turn || jsonb_build_object('content', danas_hidden(turn ->> 'content', words))
               ORDER BY number), '[]')
      FROM jsonb_array_elements(turns) WITH ORDINALITY AS one (turn, number)
$$;
"""
SHOW = """
DROP FUNCTION danas_hidden_turns(jsonb, text[]);
DROP FUNCTION danas_hidden(text, text[]);
"""


def write_down_the_messages(apps, schema_editor):
    """What the policy saw was kept in two other places; the record of it now holds it itself."""
    Trajectory = apps.get_model("assistant", "Trajectory")
    rows = Trajectory.objects.select_related("generation__message__window")
    for trajectory in rows.iterator(chunk_size=500):
        message = trajectory.generation.message
        if trajectory.generation.chat is not None:
            trajectory.messages = trajectory.generation.chat
        elif hasattr(message, "window"):
            trajectory.messages = [
                {"role": each.role, "content": each.content}
                for each in to_messages(from_json(message.window.shown))
            ]
        trajectory.save(update_fields=["messages"])


class Migration(migrations.Migration):
    dependencies = [("assistant", "0005_review")]
    operations = [
        migrations.CreateModel(
            name="Pull",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="the person's, then", max_length=150)),
                ("how", models.CharField(choices=[("pull", "Pull"), ("search", "Search"), ("look", "Look"), ("snapshot", "Snapshot"), ("download", "Download")], max_length=16)),
                ("format", models.CharField(blank=True, max_length=16)),
                ("filter", models.JSONField(default=dict)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("first", models.CharField(blank=True, help_text="cursor it began after", max_length=40)),
                ("last", models.CharField(blank=True, help_text="cursor of the last row", max_length=40)),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("is_whole", models.BooleanField(default=False, help_text="false: running, or broken off")),
                ("person", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ["-pk"]},
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("format", models.CharField(max_length=16)),
                ("filter", models.JSONField(default=dict)),
                ("state", models.CharField(choices=[("queued", "Queued"), ("building", "Building"), ("ready", "Ready"), ("failed", "Failed"), ("withdrawn", "it holds rows that were withdrawn since"), ("expired", "Expired")], default="queued", max_length=16)),
                ("reason", models.TextField(blank=True, help_text="why it failed, for a person to read")),
                ("head", models.BigIntegerField(default=0, help_text="the feed's last place when it was begun")),
                ("looked_at", models.PositiveIntegerField(default=0, help_text="trajectories read so far")),
                ("of", models.PositiveIntegerField(default=0, help_text="trajectories to read")),
                ("manifest", models.JSONField(default=dict)),
                ("address", models.CharField(blank=True, max_length=500)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField()),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="snapshots", to=settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ["-created_at"]},
        ),
        migrations.CreateModel(
            name="SnapshotRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trajectory", models.UUIDField()),
                ("redactions", models.CharField(blank=True, max_length=32)),
                ("snapshot", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="assistant.snapshot")),
            ],
        ),
        migrations.AddConstraint(
            model_name="snapshotrow",
            constraint=models.UniqueConstraint(fields=("snapshot", "trajectory"), name="once_per_snapshot"),
        ),
        migrations.RemoveField(model_name="release", name="feedback"),
        migrations.AddField(
            model_name="release", name="is_tombstone", field=models.BooleanField(default=False)
        ),
        migrations.AddField(
            model_name="release",
            name="redactions",
            field=models.CharField(blank=True, default="", help_text="digest of what reviewers took out; empty: nothing", max_length=32),
            preserve_default=False,
        ),
        # No digest is "?": every row of before comes once more, as its next revision.
        migrations.AddField(
            model_name="release",
            name="state",
            field=models.CharField(default="?", help_text="digest of what may change; empty: buried", max_length=32),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="release",
            name="trajectory",
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="release", to="assistant.trajectory"),
        ),
        migrations.AddField(
            model_name="trajectory", name="messages", field=models.JSONField(default=list)
        ),
        migrations.RunPython(write_down_the_messages, migrations.RunPython.noop),
        migrations.RunSQL(HIDE, SHOW),
        migrations.AddConstraint(
            model_name="trajectory",
            constraint=models.CheckConstraint(
                condition=models.Q(("logprobs__overlap", ["Infinity", "-Infinity", "NaN"]), _negated=True),
                name="logprobs_are_finite",
            ),
        ),
    ]
