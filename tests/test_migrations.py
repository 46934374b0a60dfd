"""The tables in the migrations are the tables of the models."""

from __future__ import annotations

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_no_migration_is_missing():
    # Exits with 1, and so raises, when one would be made.
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
