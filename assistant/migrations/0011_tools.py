
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assistant', '0010_steps'),
    ]

    operations = [
        migrations.CreateModel(
            name='ToolServer',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='begins the names of its tools', max_length=24, unique=True)),
                ('transport', models.CharField(choices=[('stdio', 'Stdio'), ('http', 'Http')], max_length=8)),
                ('command', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=1000), blank=True, default=list, size=None)),
                ('url', models.CharField(blank=True, max_length=500)),
                ('sealed', models.TextField(blank=True)),
                ('is_enabled', models.BooleanField(default=True)),
                ('may_use_network', models.BooleanField(default=False)),
                ('allowance', models.CharField(choices=[('ask', 'Ask'), ('always', 'Always'), ('never', 'Never')], default='ask', max_length=8)),
                ('timeout_s', models.PositiveIntegerField(default=30)),
                ('listing', models.JSONField(default=list)),
                ('listed_at', models.DateTimeField(null=True)),
                ('tried_at', models.DateTimeField(null=True)),
                ('problem', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='user',
            name='time_zone',
            field=models.CharField(blank=True, db_default='', default='', help_text='IANA name; empty: not known', max_length=64),
        ),
        migrations.AlterField(
            model_name='act',
            name='kind',
            field=models.CharField(choices=[('pause', 'paused learning'), ('resume', 'let learning go on'), ('unload', 'unloaded an adapter'), ('stop', 'stopped an answer'), ('look', "looked at a row with somebody's words"), ('role', 'gave a role to'), ('close', 'closed the account of'), ('reopen', 'opened again the account of'), ('join', 'made an account'), ('password', 'chose a new password'), ('reset_link', 'made a link to a new password for'), ('email', 'changed the e-mail address'), ('factor_on', 'turned the second factor on'), ('factor_off', 'turned the second factor off of'), ('recovery', 'made new recovery codes'), ('key', 'made an API key'), ('key_revoked', 'revoked an API key'), ('link', 'linked a sign-in elsewhere'), ('unlink', 'unlinked a sign-in elsewhere'), ('invite', 'invited'), ('uninvite', 'took back an invitation'), ('signup', 'set who may make an account'), ('tools_added', 'added the tool server'), ('tools_changed', 'changed the tool server'), ('tools_removed', 'removed the tool server')], max_length=16),
        ),
        migrations.CreateModel(
            name='Reminder',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('text', models.CharField(max_length=500)),
                ('due_at', models.DateTimeField()),
                ('fired_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('conversation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reminders', to='assistant.conversation')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['due_at', 'id'],
                'indexes': [models.Index(condition=models.Q(('fired_at__isnull', True)), fields=['due_at'], name='reminder_waiting')],
            },
        ),
        migrations.CreateModel(
            name='ToolCall',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('call_id', models.CharField(max_length=120)),
                ('step', models.PositiveSmallIntegerField()),
                ('position', models.PositiveSmallIntegerField()),
                ('key', models.CharField(blank=True, help_text='empty: no such tool', max_length=200)),
                ('name', models.CharField(help_text='as the policy was told it', max_length=120)),
                ('arguments', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('asked', "waits for its person's yes"), ('allowed', 'Allowed'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('refused', 'Refused'), ('expired', 'the answer ended, or nobody said yes in time')], max_length=8)),
                ('result', models.TextField(blank=True)),
                ('sources', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('is_error', models.BooleanField(default=False)),
                ('took_ms', models.FloatField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('generation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tool_calls', to='assistant.generation')),
            ],
            options={
                'ordering': ['step', 'position'],
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['sources'], name='tool_call_sources'), models.Index(condition=models.Q(('state__in', ['asked', 'allowed', 'running'])), fields=['created_at'], name='tool_call_open')],
                'constraints': [models.UniqueConstraint(fields=('generation', 'step', 'position'), name='one_call_per_place')],
            },
        ),
        migrations.CreateModel(
            name='ToolPermission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('choice', models.CharField(choices=[('ask', 'Ask'), ('always', 'Always'), ('never', 'Never')], max_length=8)),
                ('digest', models.CharField(max_length=64)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tool_permissions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('person', 'key'), name='one_choice_per_tool')],
            },
        ),
    ]
