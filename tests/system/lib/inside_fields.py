def fields(t): pass
