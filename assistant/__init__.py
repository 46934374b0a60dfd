"""The website: what a person sees and owns."""
