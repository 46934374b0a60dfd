from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("learning", "0002_trust")]
    operations = [
        migrations.AlterField(
            model_name="alarm",
            name="kind",
            field=models.CharField(choices=[("drift", "Drift"), ("rollback", "Rollback"), ("pause", "an administrator paused learning")], max_length=16),
        ),
    ]
