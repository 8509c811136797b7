"""Log files of a database: their names, their records, and how records are applied."""
import json
import os
import re

import sql
from instance import NAME

NAME_OF = 'S%07d.LOG'


def archive_of(files, chain):
    """Directory of an archive on a disk; None where logs stay in the log path."""
    cfg = files.cfg()
    found = re.fullmatch(r'DISK:(.+)', cfg.get('LOGARCHMETH1', 'OFF'))
    if not found:
        return None
    return os.path.join(found.group(1), NAME, files.name, 'NODE0000/LOGSTREAM0000/C%07d' % chain)


def records(path):
    """A line that was cut off by a crash belongs to no commit that anybody was told of."""
    with open(path, 'rb') as file:
        for line in file:
            if line.endswith(b'\n'):
                yield json.loads(line)


def lsn_of(connection):
    return connection.execute('pragma user_version').fetchone()[0]


def replay(path, found, until=None):
    """Applies records to the data file at `path`, each that follows the one before; (number applied, time of the last, whether to the end)."""
    connection = sql.connect(path)
    count, last, whole = 0, 0.0, True
    try:
        at = lsn_of(connection)
        for record in found:
            if record['lsn'] <= at:
                continue
            if record['lsn'] != at + 1 or until is not None and record['time'] > until:
                whole = False
                break
            connection.execute('begin immediate')
            connection.execute(record['sql'])
            connection.execute('pragma user_version = %d' % record['lsn'])
            connection.execute('commit')
            at, last = record['lsn'], record['time']
            count += 1
    finally:
        connection.close()
    return count, last, whole
