"""`sluice forget`: a document erased on demand, with every trace that it left."""
