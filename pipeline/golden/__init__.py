"""Golden sets that grow: questions drafted from the documents, in other words, and whether labels are still true."""
