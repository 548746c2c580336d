"""The embedded vector store, on Qdrant's own engine in the process. `store` implements the Protocol; the others are below it."""
