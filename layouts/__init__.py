"""What the page is made of: components only, no reading and no callback."""
