"""The benchmarks: every line of the table in `docs/reference/performance.md`, measured in one run.

    make bench                        all of it, in under ten minutes; writes the page, its plots and build/bench.json
    make bench ONLY=posts,reads       some topics or lines; prints, and writes build/bench.json only
    make bench ARGS=--quick           one short round of everything, to see that it works

What is compared is measured in turns within the run, so that a busy machine slows both sides; a target is a ratio of
the two, and the median of the rounds counts. Nothing here fails on a time.
"""
