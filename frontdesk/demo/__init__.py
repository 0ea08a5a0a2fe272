"""The demo's practices and people: all invented, made through the same verbs as real ones.

Phone numbers are in the ranges that no telephone company gives out (555-0100 to 555-0199), e-mail
addresses end in .example. Nothing here runs in production: `manage.py seed_demo` refuses.
"""
