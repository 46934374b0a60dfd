import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

ROLES = [
    ("member", "Member"),
    ("reviewer", "Reviewer"),
    ("researcher", "Researcher"),
    ("admin", "Admin"),
]
SIGN_UP = [("open", "Open"), ("invitation", "Invitation"), ("closed", "Closed")]


def number():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def somebody(**options):
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [("assistant", "0001_first_tables")]
    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", number()),
                ("signup", models.CharField(choices=SIGN_UP, default="closed", max_length=16)),
            ],
        ),
        migrations.AddField("apikey", "expires_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "apikey",
            "name",
            models.CharField(blank=True, help_text="what its owner calls it", max_length=100),
        ),
        migrations.AddField(
            "apikey", "used_at", models.DateTimeField(help_text="to the minute", null=True)
        ),
        migrations.AddField(
            "user",
            "must_set_up",
            models.BooleanField(
                default=False,
                help_text="was the password made by the installation, and printed?",
            ),
        ),
        migrations.CreateModel(
            name="BrowserSession",
            fields=[
                ("id", number()),
                ("session_key", models.CharField(max_length=40, unique=True)),
                ("user_agent", models.CharField(max_length=300)),
                ("address", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seen_at", models.DateTimeField(help_text="to the minute")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="browsers",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ["-seen_at"]},
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", number()),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("role", models.CharField(choices=ROLES, default="member", max_length=16)),
                (
                    "note",
                    models.CharField(blank=True, help_text="for whom it is", max_length=200),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("used_at", models.DateTimeField(null=True)),
                ("made_by", somebody()),
                ("used_by", somebody()),
            ],
            options={"ordering": ["-created_at"]},
        ),
        migrations.CreateModel(
            name="ResetLink",
            fields=[
                ("id", number()),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "made_by",
                    somebody(help_text="an administrator; null where it was sent by e-mail"),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
