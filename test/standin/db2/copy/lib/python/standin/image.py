"""Backup images: buffers of 64 KiB, each with its checksum, so that one changed byte is found."""
import hashlib
import json
import os
import struct
import zlib

MAGIC = b'SQLUBRMEDHEAD STAND-IN\n'
BUFFER = 65536


class Corrupt(Exception):
    pass


def buffers(data):
    for start in range(0, len(data), BUFFER):
        yield data[start : start + BUFFER]


def save(path, header, data):
    if header['compress']:
        data = zlib.compress(data, 6)
    total = hashlib.sha256()
    with open(path, 'xb') as file:

        def add(chunk):
            block = struct.pack('>II', len(chunk), zlib.crc32(chunk)) + chunk
            total.update(block)
            file.write(block)

        file.write(MAGIC)
        add(json.dumps(header).encode())
        for chunk in buffers(data):
            add(chunk)
        file.write(struct.pack('>I', 0) + total.digest())
        file.flush()
        os.fsync(file.fileno())


def load(path):
    """(header, data, number of buffers)"""
    with open(path, 'rb') as file:
        raw = file.read()
    if not raw.startswith(MAGIC):
        raise Corrupt('media header')
    at, blocks, total = len(MAGIC), [], hashlib.sha256()
    while True:
        if at + 4 > len(raw):
            raise Corrupt('buffer %d is cut off' % len(blocks))
        (size,) = struct.unpack_from('>I', raw, at)
        if size == 0:
            break
        block = raw[at : at + 8 + size]
        if len(block) != 8 + size or struct.unpack_from('>I', block, 4)[0] != zlib.crc32(block[8:]):
            raise Corrupt('checksum of buffer %d' % len(blocks))
        total.update(block)
        blocks.append(block[8:])
        at += 8 + size
    if raw[at + 4 :] != total.digest() or not blocks:
        raise Corrupt('trailer')
    header = json.loads(blocks[0])
    data = b''.join(blocks[1:])
    return header, zlib.decompress(data) if header['compress'] else data, len(blocks)
