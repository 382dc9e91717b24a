#!/bin/sh
# Hooks in a repository: git refuses a commit of what another agent holds, and says who.
#
#     sh hooks.sh
#
# prints
#
#     grace holds calc.py
#     the commit was refused
#     after grace gave it back, it was taken
#     removed: the repository has no hook of Arc
set -eu

repository=$(mktemp -d)
trap 'arc stop >/dev/null 2>&1 || true; rm -rf "$repository"' EXIT
cd "$repository"
git init -q && git config user.name ada && git config user.email ada@example.org
echo 'def add(a, b): return a + b' > calc.py
git add calc.py && git commit -qm first

arc ensure --port 0 >/dev/null
arc setup git >/dev/null

arc lock --agent grace calc.py >/dev/null && echo "grace holds calc.py"
echo '# changed' >> calc.py
git add calc.py
ARC_AGENT=ada git commit -qm second 2>refused.txt || { grep -q grace refused.txt && echo "the commit was refused"; }
arc unlock --agent grace calc.py >/dev/null
ARC_AGENT=ada git commit -qm second && echo "after grace gave it back, it was taken"

arc setup --remove >/dev/null
grep -rqs arc .git/hooks || echo "removed: the repository has no hook of Arc"
