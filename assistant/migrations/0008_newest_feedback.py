from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assistant", "0007_operations"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="feedback",
            index=models.Index(fields=["person", "-created_at", "id"], name="feedback_newest"),
        ),
    ]
