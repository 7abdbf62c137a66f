#!/usr/bin/env bash
# What a careful person does by hand to give all nodes of a cluster another dictionary, and nothing
# more: copy it to each node's configuration folder, have each node build the filter from it, rename
# it into place, reload the search analyzers, clear the request caches. Each step is done on all nodes
# at once. There is no proof of what was loaded, no way back, and nobody looks afterwards.
#
#   bare.sh FILE NAME INDEX CONFIG=URL...
set -euo pipefail
file=$1 name=$2 index=$3
shift 3
each() { # runs a step beside itself for every node, and fails if one fails
	local step=$1 pids=() pid
	shift
	for node in "$@"; do "$step" "${node%%=*}" "${node#*=}" & pids+=($!); done
	for pid in "${pids[@]}"; do wait "$pid"; done
}
ask() { curl -sSf -o /dev/null -H 'Content-Type: application/json' "$@"; }
copy() { mkdir -p "$1/analyzers" && install -m 644 "$file" "$1/analyzers/$name.new" && sync "$1/analyzers/$name.new"; }
probe() {
	ask "$2/_analyze" -d '{"tokenizer":"standard","filter":["lowercase",{"type":"synonym_graph","synonyms_path":"analyzers/'"$name"'.new"}],"text":"probe"}'
}
place() { mv "$1/analyzers/$name.new" "$1/analyzers/$name"; }
each copy "$@"
each probe "$@"
each place "$@"
ask -X POST "${1#*=}/_plugins/_refresh_search_analyzers/$index"
ask -X POST "${1#*=}/$index/_cache/clear?request=true"
