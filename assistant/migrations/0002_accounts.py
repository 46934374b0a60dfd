from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("assistant", "0001_first_tables")]
    operations = []
