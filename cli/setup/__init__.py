"""`arc setup`: a repository is made ready for agents, and made as it was again.

command       what was asked for: write, show first, or take away
edits         what is done to one file, as a function of its text, and how that is taken back
ledger        what setup has written, and what stood there before
json_edits    entries in a file of JSON
harnesses     what each harness needs
opencode.js   the plugin of opencode, which has no other hooks
"""
