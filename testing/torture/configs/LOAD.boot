signals=5
