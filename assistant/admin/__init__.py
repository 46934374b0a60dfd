"""Raw rows, for administrators to look at: Django's admin in the theme of django-unfold."""
