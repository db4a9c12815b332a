stutter=0 signals=5
