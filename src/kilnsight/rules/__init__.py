"""Rules: which dated clauses speak of a finding, how severe it is, by when it is to be fixed."""
