"""Who sent whom to whom, and whether they were seen. Its place in the stack is kept; its rows come later."""
