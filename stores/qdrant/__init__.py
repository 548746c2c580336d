"""The vector store on a Qdrant server. `store` implements the Protocol; the others are below it."""
