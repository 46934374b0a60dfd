"""What an answer was asked with besides tokens: pictures and tools."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('learning', '0005_lessons_of_memory'),
    ]

    operations = [
        migrations.AddField(
            model_name='answer',
            name='chat',
            field=models.JSONField(null=True),
        ),
    ]
