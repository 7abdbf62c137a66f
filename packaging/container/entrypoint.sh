#!/bin/sh
# Entrypoint of an OpenSearch container: every dictionary is put in place, then OpenSearch starts in
# this very process, so that it gets the signals.
#
# The agent's flags come from the environment (SEARCHPACK_SERVER, SEARCHPACK_CONFIG, SEARCHPACK_STATE,
# SEARCHPACK_TOKEN_FILE, SEARCHPACK_NAME, …) or from a file (SEARCHPACK_CONFIG_FILE).
#
# SEARCHPACK_START   required (the default): no start without the dictionaries. always: start in any case.
# OPENSEARCH_ENTRYPOINT   what starts OpenSearch; the default is that of its own image.
set -eu

case "${SEARCHPACK_START:=required}" in
required | always) ;;
*)
	echo "entrypoint: SEARCHPACK_START is \"$SEARCHPACK_START\": write required or always" >&2
	exit 2
	;;
esac

status=0
searchpack agent sync --once || status=$?
if [ "$status" -ne 0 ]; then
	if [ "$SEARCHPACK_START" = required ]; then
		echo "entrypoint: OpenSearch is not started, because a dictionary is not in place (status $status); see above, or set SEARCHPACK_START=always" >&2
		exit "$status"
	fi
	echo "entrypoint: OpenSearch is started although a dictionary may not be in place (status $status)" >&2
fi

exec "${OPENSEARCH_ENTRYPOINT:-/usr/share/opensearch/opensearch-docker-entrypoint.sh}" "$@"
