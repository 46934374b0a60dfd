"""Images that people say something with: taken in, made harmless, shown to whom they belong."""
