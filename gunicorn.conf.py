"""How gunicorn serves; it reads this file by itself, from the folder it is started in."""

worker_class = "gthread"
threads = 4
control_socket_disable = True  # nobody steers it from beside: signals are enough
limit_request_line = (
    8190  # bytes, the most it takes: a search of 200 letters, encoded, beside filters
)
