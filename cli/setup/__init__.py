"""`arc setup`: a repository, or a user's home, is made ready for agents, and made as it was again.

command       what was asked for: write, show first, or take away
plan          what is edited for what is set up
places        where each harness keeps its hooks and its MCP servers
harnesses     what each harness needs
git_hooks     the hooks of git
paragraph     what agents are told
json_edits    entries in a file of JSON
edits         what is done to one file, as a function of its text, and how that is taken back
ledger        what setup has written, and what stood there before
opencode.js   the plugin of opencode, which has no other hooks
"""
