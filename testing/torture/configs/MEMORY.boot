failslab=1
