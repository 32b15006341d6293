"""Documents people send: the survey as a web page that needs no server, and as a PDF."""
