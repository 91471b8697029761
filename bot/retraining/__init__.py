"""`/retrain`: a lead asks, a job trains, a comparison judges, another click deploys.

In order of use: `asking` (command and form), `running` (the steps, each repeatable), `showing` (the
one message and its thread), `deciding` (the buttons).
"""
