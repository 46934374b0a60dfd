"""Extensions come first: later tables have vector columns, and indexes of parts of words that
belong to a person."""

from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension
from django.db import migrations
from pgvector.django import VectorExtension


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [VectorExtension(), TrigramExtension(), BtreeGinExtension()]
