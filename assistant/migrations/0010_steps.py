"""An answer may be made in steps, and be asked for with tools or in a given form."""

from django.db import migrations, models


# Of a dialogue what was said, without thoughts, calls and pictures.
SAID = """
CREATE FUNCTION danas_said(turns jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(
               jsonb_build_object('role', turn -> 'role', 'content', turn -> 'content')
               ORDER BY number), '[]')
      FROM jsonb_array_elements(turns) WITH ORDINALITY AS one (turn, number)
$$;
"""
UNSAID = "DROP FUNCTION danas_said(jsonb);"


class Migration(migrations.Migration):

    dependencies = [
        ('assistant', '0009_memory'),
    ]

    operations = [
        migrations.RunSQL(SAID, UNSAID),
        migrations.AddField(
            model_name='generation',
            name='asked',
            field=models.JSONField(db_default={}, default=dict, help_text='uses_tools; of an API request tools, tool_choice, response_format, template'),
        ),
        migrations.AddField(
            model_name='trajectory',
            name='earlier',
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name='trajectory',
            name='asked',
            field=models.JSONField(db_default={}, default=dict, help_text='tools, template: of a chat; empty where ids were sent'),
        ),
        migrations.AddField(
            model_name='trajectory',
            name='spans',
            field=models.JSONField(db_default=[], default=list),
        ),
    ]
