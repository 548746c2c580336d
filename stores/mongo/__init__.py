"""What lies in MongoDB, one module a collection; and the MongoDB-compatible server that is embedded."""
