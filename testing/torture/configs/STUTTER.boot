stutter=2 shuffle_interval=3 signals=0 limits=0
