"""What servers of other models have in common, where a test says what they answer."""

import http.server


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers whole bodies, and writes no log."""

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
