"""What is in deploy/, run as an administrator runs it."""
