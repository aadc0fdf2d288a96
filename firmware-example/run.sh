#!/bin/sh
# Runs a program on its board: build.rs writes the board's command into the program's .board section.
command=$(LC_ALL=C grep -a -o 'board-command: [ -~]*' "$1" | head -n 1 | cut -d ' ' -f 2-)
if [ -z "$command" ]; then
    echo "$1 names no command to run it with" >&2
    exit 2
fi
exec $command "$@"
