"""What is asked of an index and changes nothing: searches, why and trace, status, history."""
