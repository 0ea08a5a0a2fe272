"""A pretend text and mail supplier for the demo and the tests; nothing it takes ever leaves this machine."""
