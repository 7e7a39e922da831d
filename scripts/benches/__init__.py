"""What scripts/bench measures.

`measure` runs a command, `contest` runs several in turn, `table` and `results` show and keep what came out,
`surroundings` is our programs, a folder and the local PKB. Each other module is a part with `run(bench)`, which yields
tables; `other_letters` and the scripts in `contenders/` are other people's programs, each asked for the same letter.
"""
