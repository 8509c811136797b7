"""Rolling a restored database forward through its logs."""
import json
import os

import sql
from instance import Failure, put
from logs import NAME_OF, archive_of, lsn_of, records, replay


def place_of(files, number, chain, overflow):
    """(path, chain) of a log: below the overflow path, in the log path, in the archive of the newest chain from `chain` on."""
    name = NAME_OF % number
    for directory in ([overflow] if overflow else []) + [files.cfg()['LOGPATH']]:
        path = os.path.join(directory, name)
        if os.path.exists(path) and os.path.getsize(path) > 0:
            return path, chain
    archive = archive_of(files, 0)
    if archive and os.path.isdir(os.path.dirname(archive)):
        for own in sorted(os.listdir(os.path.dirname(archive)), reverse=True):
            path = os.path.join(os.path.dirname(archive), own, name)
            if int(own[1:]) >= chain and os.path.exists(path):
                return path, int(own[1:])
    return None, chain


PART = 'PART.LOG'


def keep_part(files, path):
    """The log in which rolling forward stopped goes on with another end."""
    connection = sql.connect(files.data)
    at = lsn_of(connection)
    connection.close()
    put(os.path.join(files.cfg()['LOGPATH'], PART), ''.join(json.dumps(own) + '\n' for own in records(path) if own['lsn'] <= at))


def forward(files, how, until, overflow):
    """Rolls forward; names of the logs that were read. A log that must be there and is not is an error."""
    cfg = files.cfg()
    first, chain, need = int(cfg.get('FORWARD_LOG', '0')), int(cfg.get('FORWARD_CHAIN', '0')), int(cfg.get('FORWARD_NEED', '0'))
    number, read, last = first, [], 0.0
    while how != 'backup' or len(read) < need:
        path, chain = place_of(files, number, chain, overflow)
        if path is None:
            break
        read.append(NAME_OF % number)
        if how != 'backup':
            _, moment, whole = replay(files.data, records(path), until)
            last = max(last, moment)
            if not whole:
                keep_part(files, path)
                break
        number += 1
    if len(read) < need:
        raise Failure('SQL4970N  Roll-forward recovery on database "%s" cannot reach the specified stop point (end-of-log or point-in-time) on database partition(s) "0".  Roll-forward recovery processing has halted on log file "%s".' % (files.name, NAME_OF % number))
    files.update(FORWARD_NEXT=str(number), FORWARD_DONE='YES', **({'FORWARD_TIME': str(last)} if last else {}))
    return read
