"""What people say about answers, and how it reaches learning."""
