# SPDX-License-Identifier: Apache-2.0
"""The contract of the runtime server in the fewest lines of FastAPI, for bench/runtime.py to compare with."""

import os
import shlex
import shutil
import subprocess
from typing import Optional

from fastapi import FastAPI, File, UploadFile
from pydantic import BaseModel

BASE = os.environ["SANDBOX_BASE_DIR"]
app = FastAPI()


class ExecuteRequest(BaseModel):
    command: str
    timeout: Optional[int] = None


class ExecuteResponse(BaseModel):
    stdout: str
    stderr: str
    exit_code: int


@app.get("/")
async def health():
    return {"status": "ok", "message": "Sandbox Runtime is active."}


@app.post("/execute", response_model=ExecuteResponse)
def execute(request: ExecuteRequest):
    done = subprocess.run(shlex.split(request.command), capture_output=True, text=True, cwd=BASE, timeout=request.timeout)
    return ExecuteResponse(stdout=done.stdout, stderr=done.stderr, exit_code=done.returncode)


@app.post("/upload")
def upload(file: UploadFile = File(...)):
    with open(os.path.join(BASE, os.path.basename(file.filename)), "wb") as f:
        shutil.copyfileobj(file.file, f)
    return {"message": f"File '{file.filename}' uploaded successfully."}
