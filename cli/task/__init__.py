"""Commands about tasks: `arc task …`."""
