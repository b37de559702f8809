"""Who may do what: tokens, cookies, roles, trusted hosts and limits, in front of everything."""
