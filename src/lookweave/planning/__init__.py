"""How long a build will take, on what.

`measure` finds this machine's rates, `plan` carries them to another size and other machines,
`rates` is what stands between them; `calls` is what programs call.
"""
