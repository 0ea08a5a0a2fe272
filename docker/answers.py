"""Exit status 0 when a page answers at all: for the containers' healthchecks.

503 counts as an answer: a web server need not be restarted because another part of the house is down.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit

parts = urlsplit(sys.argv[1])
# The page only answers to its own name.
host = urlsplit(os.environ["PUBLIC_URL"]).netloc
headers = {"Host": host, "X-Forwarded-Proto": "https"}
connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=4)
connection.request("GET", parts.path, headers=headers)
sys.exit(0 if connection.getresponse().status in {200, 503} else 1)
