"""The pages of messaging, one module a subject."""
