"""What changes an index, one module an operation: run, its parts, backfill, promote and rollback, access sync, gc, export."""
