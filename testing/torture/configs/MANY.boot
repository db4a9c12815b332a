nwriters=3 nwaiters=5 stutter=5
