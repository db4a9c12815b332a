torture_type=busted_signal,boxes nwaiters=3 signals=2 limits=0
