"""The few calls on Python's oras that the tests need; the library has no command line.

    python_oras.py [--tls] [--basic] COMMAND, with TLS, and for a registry that knows no tokens

    python_oras.py manifest REF            prints the manifest as the library returns it
    python_oras.py pull REF FOLDER         prints the names of the files that it wrote
    python_oras.py push REF FILE CONFIG    each file as PATH:MEDIA-TYPE
    python_oras.py tags REPO               prints a tag a line
    python_oras.py delete REPO TAG         deletes what the tag names
    python_oras.py login HOST USER         stores what is on stdin as the password
"""

import json
import sys

from oras.client import OrasClient


def manifest(client, reference):
    json.dump(client.get_manifest(reference), sys.stdout)


def pull(client, reference, folder):
    for written in client.pull(target=reference, outdir=folder):
        print(written)


def push(client, reference, file, config):
    client.push(target=reference, files=[file], manifest_config=config, quiet=True)


def tags(client, repository):
    print("\n".join(client.get_tags(repository)))


def delete(client, repository, tag):
    if not client.delete_tag(repository, tag):
        sys.exit(1)


def login(client, host, user):
    client.login(user, sys.stdin.read(), hostname=host)


if __name__ == "__main__":
    options = [one for one in sys.argv[1:] if one.startswith("--")]
    command, *arguments = [one for one in sys.argv[1:] if not one.startswith("--")]
    commands = {
        "manifest": manifest,
        "pull": pull,
        "push": push,
        "tags": tags,
        "delete": delete,
        "login": login,
    }
    backend = "basic" if "--basic" in options else "token"
    commands[command](OrasClient(insecure="--tls" not in options, auth_backend=backend), *arguments)
