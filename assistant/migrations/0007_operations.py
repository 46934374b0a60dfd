import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("assistant", "0006_research")]
    operations = [
        migrations.AddField(
            model_name="generation",
            name="request_id",
            field=models.CharField(blank=True, db_default="", default="", help_text="of the request that asked, for the logs", max_length=64),
        ),
        migrations.CreateModel(
            name="Measurement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(unique=True)),
                ("figures", models.JSONField(help_text="finite numbers by name")),
            ],
            options={"ordering": ["at"]},
        ),
        migrations.CreateModel(
            name="Act",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="stays when the account goes", max_length=150)),
                ("kind", models.CharField(choices=[("pause", "paused learning"), ("resume", "let learning go on"), ("unload", "unloaded an adapter"), ("stop", "stopped an answer"), ("look", "looked at a row with somebody's words"), ("role", "gave a role to"), ("close", "closed the account of"), ("reopen", "opened again the account of"), ("join", "made an account"), ("password", "chose a new password"), ("reset_link", "made a link to a new password for"), ("email", "changed the e-mail address"), ("factor_on", "turned the second factor on"), ("factor_off", "turned the second factor off of"), ("recovery", "made new recovery codes"), ("key", "made an API key"), ("key_revoked", "revoked an API key"), ("link", "linked a sign-in elsewhere"), ("unlink", "unlinked a sign-in elsewhere"), ("invite", "invited"), ("uninvite", "took back an invitation"), ("signup", "set who may make an account")], max_length=16)),
                ("subject", models.CharField(blank=True, max_length=120)),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("person", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ["-at", "-pk"]},
        ),
        migrations.CreateModel(
            name="Backup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file", models.CharField(max_length=500)),
                ("bytes", models.PositiveBigIntegerField()),
                ("rows", models.PositiveBigIntegerField()),
                ("seconds", models.FloatField()),
                ("at", models.DateTimeField(help_text="the moment whose state it holds")),
            ],
            options={"ordering": ["-at"]},
        ),
    ]
