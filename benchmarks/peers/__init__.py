"""The same work through the libraries people use otherwise."""
