"""What is done with a package's file by its Content-Type.

The type itself comes from `packages.media`, by the end of the name.
"""

# What a browser shows as a document carries the headers of its own response, so it
# is asked for again; everything else never changes under one label.
DOCUMENTS = frozenset(
    {
        "text/html",
        "application/xhtml+xml",
        "application/xml",
        "application/pdf",
        "image/svg+xml",
    }
)

_COMPRESSIBLE = frozenset(
    {
        "application/json",
        "application/manifest+json",
        "application/xhtml+xml",
        "application/xml",
        "application/xml-dtd",
        "application/wasm",
        "application/vnd.ms-fontobject",
        "image/svg+xml",
        "image/bmp",
        "font/ttf",
        "font/otf",
        "model/gltf+json",
    }
)


def is_compressible(kind: str) -> bool:
    """Whether a type gets smaller by compression (films and pictures do not)."""
    return kind.startswith("text/") or kind in _COMPRESSIBLE
