"""What an answer costs: time, memory, operations, energy and money; and quality against cost.

pacing.py puts answers on the clock, measure.py asks for them in rounds, figures.py makes numbers of them; memory.py, energy.py and
prices.py know what they take and what that is worth; front.py says which models nobody beats at their cost.
"""
