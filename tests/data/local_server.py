#!/usr/bin/env python3
"""A server on 127.0.0.1 for unit tests, its port on the first line of standard output.

GET /requests      how many POST requests there were
POST /echo         what was sent
POST /busy/N       status 503 for the first N requests, then as /echo
POST /status/CODE  that status and a reason
POST /redirect     to /echo
POST /slow         an answer after ten seconds
POST /long         a megabyte
POST /mlflow/SCHEME/PLACE/api/2.0/mlflow/CALL  as MLflow, far enough to take a run; artefacts go to SCHEME://PLACE
POST /v1/chat/completions  as OpenAI: the words of the last message turned round; a message that holds "EMPTY"
                   gets an empty answer, one that holds "REFUSE" status 400; the key is "secret"
POST /judge/KIND/chat/completions  as OpenAI, a judge that counts the words "good" of answers.  KIND: honest (with
                   log-probabilities), plain (without), strict (status 400 where they are asked for), first (always
                   prefers A), garbage, refusing (status 500), slow, forbidden (status 401); a prompt that holds
                   "TIMEOUT" or "NONSENSE" is answered late or with garbage by all
"""
import http.server
import json
import math
import re
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
        if kind == "judge":
            return self.judge(argument.partition("/")[0], json.loads(body))
        if kind == "mlflow":
            return self.track(argument)
        if kind == "v1":
            return self.complete(json.loads(body))
        echo = {"body": body, "type": self.headers["Content-Type"], "authorization": self.headers["Authorization"]}
        return self.send(200, json.dumps(echo).encode())

    def track(self, address):
        store, _, call = address.partition("/api/2.0/mlflow/")
        scheme, _, place = store.partition("/")
        info = {"run_id": "r", "artifact_uri": f"{scheme}://{place}"}
        answers = {"experiments/search": {"experiments": [{"experiment_id": "1"}]}, "runs/create": {"run": {"info": info}}}
        self.send(200, json.dumps(answers.get(call, {})).encode())

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

    def judge(self, kind, request):
        prompt = request["messages"][-1]["content"]
        wants_logprobs = request.get("logprobs", False)
        if kind == "refusing" or kind == "forbidden":
            return self.send(500 if kind == "refusing" else 401, b'{"error": {"message": "no"}}')
        if kind == "strict" and wants_logprobs:
            return self.send(400, b'{"error": {"message": "logprobs is not supported"}}')
        if kind == "slow" or "TIMEOUT" in prompt:
            time.sleep(3)
        shares = judged(prompt)
        if kind == "first" and "<answer-A" in prompt:
            shares = {"A": 0.9, "B": 0.1}
        best = max(shares, key=shares.get)
        is_garbage = kind == "garbage" or "NONSENSE" in prompt
        text = "I would rather talk about the weather." if is_garbage else best
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        if wants_logprobs and kind != "plain":
            top = {"I": 1.0} if is_garbage else {**shares, "The": 1 - sum(shares.values())}
            choice["logprobs"] = {"content": [{"token": text[:1], "logprob": 0.0, "top_logprobs": [
                {"token": token, "logprob": math.log(share)} for token, share in top.items() if share > 0]}]}
        return self.send(200, json.dumps({"choices": [choice], "usage": {
            "prompt_tokens": len(prompt.split()), "completion_tokens": 1}}).encode())


def judged(prompt):
    """How likely each choice is: a tenth of it all for a word that is none."""
    answers = dict(re.findall(r"<answer(-[AB])?-[0-9a-f]{8}>(.*?)</answer", prompt, re.S))
    good = {name: len(re.findall(r"\bgood\b", answer)) for name, answer in answers.items()}
    if "-A" in good:
        a, b = good["-A"], good["-B"]
        return {"T": 0.9} if a == b else {"A": 0.7, "B": 0.2} if a > b else {"A": 0.2, "B": 0.7}
    mark = min(5, 1 + good[""])
    return {"1": 0.9} if mark == 1 else {str(mark): 0.6, str(mark - 1): 0.3}


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
