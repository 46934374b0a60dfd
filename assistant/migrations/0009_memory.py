import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assistant', '0008_newest_feedback'),
    ]

    operations = [
        migrations.AddField(
            model_name='conversation',
            name='carried_at',
            field=models.DateTimeField(help_text='what was said up to then was looked through for the profile', null=True),
        ),
        migrations.AddField(
            model_name='conversation',
            name='uses_memory',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name='generation',
            name='left_out',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='uses_memory',
            field=models.BooleanField(db_default=True, default=True, help_text='off: windows go by recency, notes stay unread'),
        ),
        migrations.AddField(
            model_name='window',
            name='notes',
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('text', models.CharField(max_length=300)),
                ('kind', models.CharField(choices=[('preference', 'Preference'), ('question', 'Question'), ('fact', 'Fact'), ('own', 'Own')], max_length=16)),
                ('need', models.FloatField()),
                ('tokens', models.PositiveIntegerField()),
                ('is_pinned', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('deleted_at', models.DateTimeField(null=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to=settings.AUTH_USER_MODEL)),
                ('source', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='assistant.message')),
            ],
            options={
                'ordering': ['-is_pinned', '-need', '-created_at', 'id'],
            },
        ),
    ]
