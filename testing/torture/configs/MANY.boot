nwriters=5 nwaiters=9 stutter=5
