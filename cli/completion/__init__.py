"""`arc completion`: what a shell needs to complete the words of a command line.

`words` turns the declared commands into rows; `bash`, `zsh` and `fish` each write the rows as their shell reads them.
The scripts hold every word, so that pressing Tab starts no process.
"""
