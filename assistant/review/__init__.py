"""The review queue: what people said about answers, looked at by people before it teaches."""
