#!/bin/sh
# Forensics: two agents worked on one file, and afterwards the log says who did what, and what each could know.
#
#     sh forensics.sh
#
# prints
#
#     the lock was ada's, then grace's
#     when grace asked, ada held it
#     grace could see: careful, I am in the parser
#     the log is whole, and the tables follow from it
set -eu

folder=$(mktemp -d)
trap 'arc stop >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT
cd "$folder"
arc ensure --port 0 >/dev/null

# What happened:
arc lock --agent ada src/parser.py >/dev/null
arc post --agent ada "careful, I am in the parser" >/dev/null
arc lock --agent grace src/parser.py >/dev/null || true
asked=$(arc log tail --json -n 1 | sed 's/.*"event_id": *\([0-9]*\).*/\1/')
arc unlock --agent ada src/parser.py >/dev/null
arc lock --agent grace src/parser.py >/dev/null

# What can be known of it:
holders=$(arc log blame lock/src/parser.py | grep -oE 'ada|grace' | uniq | tr '\n' ' ')
case $holders in "ada grace "*) echo "the lock was ada's, then grace's" ;; *) echo "holders: $holders" ;; esac
arc locks --active --as-of "$asked" | grep -q ada && echo "when grace asked, ada held it"
arc log seen grace --at "$asked" | grep -q careful && echo "grace could see: careful, I am in the parser"
arc log verify >/dev/null && arc log replay >/dev/null && echo "the log is whole, and the tables follow from it"
