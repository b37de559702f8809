"""What must not cost a second: each test does the real thing to a real recorder."""
