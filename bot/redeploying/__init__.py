"""`/redeploy`: a lead has another version serve; it is watched, and goes back when it is worse.

In order of use: `asking` (command, list, lock), `running` (the steps, each repeatable), `showing`
(the one message), `deciding` (Roll back).
"""
