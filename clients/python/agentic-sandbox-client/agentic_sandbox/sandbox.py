# SPDX-License-Identifier: Apache-2.0
"""Sandbox: the simple client. One sandbox, reached through kubectl port-forward to its pod; needs no router."""

from typing import Optional

from .base import BaseClient
from .deadline import Deadline
from .http import Http
from .kube import Kube
from .tunnel import Tunnel

SERVER_PORT = 8888
READY_SECONDS = 180
TUNNEL_SECONDS = 30


class Sandbox(BaseClient):
    """A sandbox made from a template: with Sandbox("python-sandbox-template") as sandbox: sandbox.run("ls")."""

    def __init__(self, template_name: str, namespace: str = "default"):
        super().__init__(template_name, namespace, READY_SECONDS, False, "sandbox-client")
        self._tunnel: Optional[Tunnel] = None

    def _connect(self, kube: Kube) -> Http:
        deadline = Deadline(TUNNEL_SECONDS)
        pod = kube.pod_of(self.namespace, str(self.sandbox_name), deadline)
        self._tunnel = Tunnel(self.namespace, f"pod/{pod}", SERVER_PORT)
        # Without a router it is the sandbox itself that answers, whose word on what it got is worth nothing.
        http = Http(self._tunnel.base, dict, routed=False)
        http.wait_for_answer(deadline)
        return http

    def _disconnect(self) -> None:
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None
