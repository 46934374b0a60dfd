"""A person's conversations as a collection: their titles, their places, their deletion."""
