#!/bin/sh
# `docker run sluice search …` is `sluice search …`; the command of a work pool (prefect flow-run execute), of a Dask worker or a
# shell is run as it is.
case "${1:-}" in
  prefect | dask | python | sh | bash | sluice) exec "$@" ;;
  *) exec sluice "$@" ;;
esac
