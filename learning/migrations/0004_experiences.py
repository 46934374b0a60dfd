import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("learning", "0003_pause"),
    ]

    operations = [
        migrations.AddField(
            model_name="judgement",
            name="rejected_at",
            field=models.DateTimeField(
                help_text="when a reviewer had the reward model forget this one", null=True
            ),
        ),
        migrations.CreateModel(
            name="Experience",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField(blank=True)),
                (
                    "reviewers",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="who agreed that it is one"
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                (
                    "judgement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="experience",
                        to="learning.judgement",
                    ),
                ),
            ],
        ),
    ]
