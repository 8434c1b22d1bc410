"""The few calls on Python's oras that the tests need; the library has no command line.

    python_oras.py manifest REF            prints the manifest as the library returns it
    python_oras.py pull REF FOLDER         prints the names of the files that it wrote
    python_oras.py push REF FILE CONFIG    each file as PATH:MEDIA-TYPE
    python_oras.py tags REPO               prints a tag a line
    python_oras.py delete REPO TAG         deletes what the tag names
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


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    commands = {"manifest": manifest, "pull": pull, "push": push, "tags": tags, "delete": delete}
    commands[command](OrasClient(insecure=True), *arguments)
