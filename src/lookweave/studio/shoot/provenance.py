"""Content credentials (C2PA) in a picture's file: who signed it, what it is, what made it.

<https://spec.c2pa.org/> has the format, `c2pa-python` writes and reads it. Only a certificate of
an authority on C2PA's trust list is shown as trusted; one that is signed by nobody else is shown
as untrusted everywhere, and proves no more than that the file was not changed since.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lookweave import __version__
from lookweave.errors import InputError
from lookweave.studio.shoot.label import VOCABULARY

_ALGORITHMS = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True)
class Credentials:
    """What a picture is signed with.

    Attributes:
        certificates: PEM, the signer's first, then those that signed it.
        key: PEM of the signer's private key, not encrypted.
        algorithm: C2PA's name of it, such as ``es256``.
    """

    certificates: bytes
    key: bytes
    algorithm: str


def credentials(certificates: Path, key: Path) -> Credentials:
    """Credentials from two PEM files.

    Raises:
        InputError: one cannot be read or is of no kind that C2PA signs with.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        chain, secret = certificates.read_bytes(), key.read_bytes()
        signer = x509.load_pem_x509_certificates(chain)[0]
        private: Any = load_pem_private_key(secret, None)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{certificates} and {key} must be PEM: a chain of certificates, the signer's first, "
            f"and its key without a password ({error})."
        ) from error
    if private.public_key() != signer.public_key():
        raise InputError(f"{key} is not the key of the first certificate in {certificates}.")
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _ALGORITHMS:
        return Credentials(chain, secret, _ALGORITHMS[private.curve.name])
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return Credentials(chain, secret, "ed25519")
    if isinstance(private, rsa.RSAPrivateKey):
        return Credentials(chain, secret, "ps256")
    raise InputError(f"{key}: C2PA signs with ECDSA (P-256, P-384, P-521), Ed25519 or RSA keys.")


def self_signed() -> Credentials:
    """Credentials that nobody vouches for, made anew: an authority of one, and a signer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(name: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lookweave, self-signed"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )

    def certificate(subject: str, public: Any, of_ca: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        usage = x509.KeyUsage(
            digital_signature=not of_ca, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=of_ca, crl_sign=of_ca,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        made = (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("Authority of one"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=365))
            .add_extension(x509.BasicConstraints(of_ca, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()),
                critical=False,
            )
        )
        if not of_ca:
            mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(mail, critical=False)
        return made.sign(root, hashes.SHA256())

    root, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    chain = [
        certificate("Lookweave photo-shoot", own.public_key(), False),
        certificate("Authority of one", root.public_key(), True),
    ]
    key = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    return Credentials(pem, key, "es256")


def sign(path: Path, given: Credentials, source_type: str, title: str, ai_system: str = "") -> None:
    """Put a manifest into the JPEG or PNG at `path`; in one move, so that no half is left.

    Raises:
        InputError: the credentials are refused, or the extra [studio] lacks c2pa-python.
    """
    try:
        import c2pa
    except ImportError as error:
        raise InputError(
            "Content credentials need c2pa-python: pip install 'lookweave[provenance]'"
        ) from error
    agent = {"name": ai_system} if ai_system else {"name": "Lookweave", "version": __version__}
    manifest = {
        "claim_generator_info": [{"name": "Lookweave", "version": __version__}],
        "title": title,
        "format": "image/png" if path.suffix == ".png" else "image/jpeg",
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created", "softwareAgent": agent,
                            "digitalSourceType": VOCABULARY + source_type,
                        }
                    ]
                },
            }
        ],
    }  # fmt: skip
    partial = path.with_name(f".signed-{path.name}")
    try:
        info = c2pa.C2paSignerInfo(given.algorithm.encode(), given.certificates, given.key, None)
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(json.dumps(manifest)) as builder:
            builder.sign_file(path, partial, signer)
    except (c2pa.C2paError, ValueError) as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"The content credentials cannot be signed: {error}") from error
    partial.replace(path)


@dataclass(frozen=True)
class Found:
    """What a file says of itself.

    Attributes:
        manifest: the active one, as C2PA's JSON.
        trusted: its signer stands on a trust list.
        problems: codes of what does not hold; ``signingCredential.untrusted`` alone means that the
            file is whole and its signer unknown.
    """

    manifest: dict[str, Any]
    trusted: bool
    problems: tuple[str, ...]


def read(path: Path) -> Found | None:
    """The content credentials of a file; None where it has none."""
    import c2pa

    try:
        with c2pa.Reader(path) as reader:
            told = json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return None
    problems = tuple(one["code"] for one in told.get("validation_status", ()))
    manifest = told["manifests"][told["active_manifest"]]
    return Found(manifest, "signingCredential.untrusted" not in problems, problems)
