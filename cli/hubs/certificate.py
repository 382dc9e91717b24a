"""The certificate of a hub whose connections are encrypted."""

import ssl

from cli.errors import CommandFailed
from cli.hubs.settings import HubSettings


def check_certificate(settings: HubSettings) -> None:
    """See to it that the certificate and the key can be used, if there are any.

    Raises:
        CommandFailed: they cannot.
    """
    if not settings.tls_cert:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise CommandFailed(
            f"the certificate {settings.tls_cert} with the key {settings.tls_key} cannot be used: {error}"
        ) from None
