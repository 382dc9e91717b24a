"""What a shell command would do to the work of others, found by reading it.

    words       quotes and expansions: text -> words
    commands    operators, redirections, substitutions: text -> simple commands
    deeds       what a command can do that others care about
    patches     which files a patch in a command edits
    git, files  what a `git` command, and a command that names files, would do
    script      a whole script, with the scripts, shells and prefixes (`env`, `sudo`, `xargs`) in it

Programs that write by themselves cannot be read this way; docs/explanation/guards.md says what follows.
"""
