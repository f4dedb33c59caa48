"""What commands tell, and how they are stopped."""
