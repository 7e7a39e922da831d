"""What scripts/bench measures.

`measure` runs a command, `contest` runs several in turn, `table` and `results` show and keep what came out, `surroundings`
is the machine, the programs and the local PKB. Each other module is a part with `run(bench)`, which yields tables.
`contenders/` are the programs of others, each asked for the same.
"""
