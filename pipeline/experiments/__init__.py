"""`sluice compare`: variants of chunking, embedding and search measured on the documents of an index that stays as it is."""
