nwaiters=3 signals=3
