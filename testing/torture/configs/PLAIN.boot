stutter=0 shuffle_interval=0 signals=0 limits=0
