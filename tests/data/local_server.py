#!/usr/bin/env python3
"""A server on 127.0.0.1 for unit tests, its port on the first line of standard output.

GET /requests      how many POST requests there were
POST /echo         what was sent
POST /busy/N       status 503 for the first N requests, then as /echo
POST /status/CODE  that status and a reason
POST /redirect     to /echo
POST /slow         an answer after ten seconds
POST /long         a megabyte
POST /v1/chat/completions  as OpenAI: the words of the last message turned round; a message that holds "EMPTY"
                   gets an empty answer, one that holds "REFUSE" status 400; the key is "secret"
"""
import http.server
import json
import time


class Handler(http.server.BaseHTTPRequestHandler):
    requests = 0
    busy = 0

    def log_message(self, *arguments):
        pass

    def send(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send(200, str(Handler.requests).encode())

    def do_POST(self):
        Handler.requests += 1
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        kind, _, argument = self.path[1:].partition("/")
        if kind == "busy" and Handler.busy < int(argument):
            Handler.busy += 1
            return self.send(503, b"")
        if kind == "status":
            return self.send(int(argument), b'{"error": "the reason"}')
        if kind == "redirect":
            return self.send(302, b"", [("Location", "/echo")])
        if kind == "long":
            return self.send(200, b"x" * 1000000)
        if kind == "slow":
            time.sleep(10)
        if kind == "v1":
            return self.complete(json.loads(body))
        echo = {"body": body, "type": self.headers["Content-Type"], "authorization": self.headers["Authorization"]}
        return self.send(200, json.dumps(echo).encode())

    def complete(self, request):
        if self.headers["Authorization"] != "Bearer secret":
            return self.send(401, b'{"error": {"message": "wrong key"}}')
        prompt = request["messages"][-1]["content"]
        if "REFUSE" in prompt:
            return self.send(400, b'{"error": {"message": "not this"}}')
        answer = "" if "EMPTY" in prompt else " ".join(prompt.rpartition("\n")[2].split()[::-1])
        self.send(200, json.dumps({
            "choices": [{"message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": len(prompt.split()), "completion_tokens": len(answer.split())}}).encode())


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
