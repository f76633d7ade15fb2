"""Certificates made on the spot, by the openssl command."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"


@dataclass(frozen=True)
class Authority:
    """Signs certificates for this machine; ``folder`` holds NAME.pem and NAME.key."""

    folder: Path

    @classmethod
    def made_in(cls, folder: Path) -> "Authority":
        if shutil.which("openssl") is None:
            pytest.skip("no openssl on this machine: install it to test TLS")
        authority = cls(folder)
        authority._openssl(f"req -x509 {KEY} -subj /CN=authority -keyout ca.key -out ca.pem")
        return authority

    def issue(self, name: str, names: str = "IP:127.0.0.1") -> None:
        """``names`` as the certificate's subjectAltName lists them."""
        self._openssl(f"req {KEY} -subj /CN={name} -keyout {name}.key -out {name}.csr")
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}")
        sign = f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -days 2 -extfile {name}.ext"
        self._openssl(f"{sign} -set_serial 1 -out {name}.pem")

    def server(self, *, asks_who: bool) -> grpc.ServerCredentials:
        pair = self.read("server.key"), self.read("server.pem")
        return grpc.ssl_server_credentials([pair], self.read("ca.pem"), asks_who)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def _openssl(self, arguments: str) -> None:
        command = ["openssl", *arguments.split()]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
