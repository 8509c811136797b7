"""BACKUP of one database."""
import os
import sqlite3
import time

import state
from history import history_of, note
from instance import NAME, Failure, release, sync
from logs import NAME_OF, lsn_of

NOT_NOW = 'SQL2413N  Online backup is not allowed because the database is not recoverable or a backup pending condition is in effect.'
# What a restored database does not have from its image.
OWN = ('STORAGE', 'LOGPATH', 'NEWLOGPATH', 'LOGNUMBER', 'LOGCHAIN', 'BACKUP_PENDING', 'BACKUP_PENDING_NEXT', 'ROLLFORWARD_PENDING', 'RESTORE_PENDING')


def path_error(path):
    return Failure('SQL2036N  The path for the file, named pipe, or device "%s" is not valid.' % path)


def snapshot(files):
    """The data as of now, and the number of its last change."""
    source, memory = sqlite3.connect(files.data, timeout=60), sqlite3.connect(':memory:')
    try:
        source.backup(memory)
        return memory.serialize(), lsn_of(memory)
    finally:
        source.close()
        memory.close()


def online(files, logs):
    """(data, lsn, log number, logs): the log ends exactly where the data does, so that what follows is in the next one."""
    database = state.opened.get(files.name) or state.Open(files)
    with database.writing:
        journal = database.journal
        data, lsn = snapshot(files)
        journal.begin()
        number = journal.number
        with open(journal.path, 'rb') as file:
            content = file.read()
        journal.switch(force=True)
    return data, lsn, number, {NAME_OF % number: content} if logs else {}


def check(alias, files, target, is_online):
    cfg = files.cfg()
    if cfg.get('RESTORE_PENDING') == 'YES' or cfg.get('ROLLFORWARD_PENDING', 'NO') != 'NO':
        state.usable(alias, files)
        raise Failure('SQL1117N  A connection to or activation of database "%s" cannot be made because of ROLL-FORWARD PENDING.  SQLSTATE=57019' % alias)
    if is_online and (cfg.get('LOGARCHMETH1', 'OFF') == 'OFF' or 'YES' in (cfg.get('BACKUP_PENDING'), cfg.get('BACKUP_PENDING_NEXT'))):
        raise Failure(NOT_NOW)
    if target != '/dev/null' and not (os.path.isdir(target) and os.access(target, os.W_OK)):
        raise path_error(target)


def backup(alias, files, target, is_online, compress, logs):
    """The timestamp of the image. The caller holds the database for itself, unless online."""
    cfg = files.cfg()
    while True:
        stamp = time.strftime('%Y%m%d%H%M%S')
        path = os.path.join(target, '%s.0.%s.DBPART000.%s.001' % (alias, NAME, stamp))
        if all(own['timestamp'] != stamp for own in history_of(files)) and (target == '/dev/null' or not os.path.exists(path)):
            break
        time.sleep(0.2)
    if is_online:
        data, lsn, number, included = online(files, logs)
    else:
        # Crash recovery, should it be due, comes first.
        state.Open(files)
        (data, lsn), number, included = snapshot(files), int(cfg.get('LOGNUMBER', '0')), {}
    header = {
        'name': files.name, 'alias': alias, 'instance': NAME, 'timestamp': stamp, 'release': release(), 'online': is_online, 'logs': is_online and logs,
        'compress': compress, 'attributes': {key: value for key, value in cfg.items() if key not in OWN and not key.startswith('FORWARD_')},
        'storage': cfg['STORAGE'], 'logpath': cfg['LOGPATH'], 'log': number, 'chain': int(cfg.get('LOGCHAIN', '0')), 'lsn': lsn, 'time': time.time(),
        'parts': [['data', len(data)]] + [[name, len(content)] for name, content in included.items()],
    }
    if target != '/dev/null':
        import image

        try:
            image.save(path, header, data + b''.join(included.values()))
            sync(target)
        except OSError as error:
            if os.path.exists(path):
                os.unlink(path)
            raise Failure('SQL2419N  The target disk "%s" has become full.' % target if error.errno == 28 else 'SQL2025N  An I/O error occurred.  Error code: "%d".  Media on which this error occurred: "%s".' % (error.errno or 0, target))
    if not is_online:
        files.update(BACKUP_PENDING='NO', BACKUP_PENDING_NEXT='NO')
    note(files, 'B', 'N' if is_online else 'F', stamp, target, NAME_OF % number)
    return stamp
