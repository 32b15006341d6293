from hypothesis import settings

# a busy machine may take longer for one example than the default deadline
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
