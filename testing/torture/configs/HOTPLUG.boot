onoff_interval=50 shuffle_interval=7
