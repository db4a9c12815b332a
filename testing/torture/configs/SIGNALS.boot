signals=1 limits=30 stutter=0
