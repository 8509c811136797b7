"""The recovery history of a database: one JSON line an operation."""
import json
import os
import time

from instance import put


def history_of(files):
    if not os.path.exists(files.history):
        return []
    with open(files.history) as file:
        return [json.loads(line) for line in file]


def note(files, operation, kind, stamp, place, log, status='A'):
    record = {'op': operation, 'type': kind, 'timestamp': stamp, 'end': time.strftime('%Y%m%d%H%M%S'), 'location': place, 'status': status, 'log': log}
    put(files.history, ''.join(json.dumps(own) + '\n' for own in history_of(files) + [record]))
