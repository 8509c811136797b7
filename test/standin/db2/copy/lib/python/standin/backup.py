"""BACKUP, RESTORE and ROLLFORWARD of one database."""
import json
import os
import sqlite3
import time

import image
from instance import HOME, NAME, Failure, Files, catalog, directory, put, release, sync

USED = 'SQL1035N  The operation failed because the specified database cannot be connected to in the mode requested.  SQLSTATE=57019'
ATTRIBUTES = ('CODESET', 'TERRITORY', 'PAGESIZE', 'LOGARCHMETH1')


def path_error(path):
    return Failure('SQL2036N  The path for the file, named pipe, or device "%s" is not valid.' % path)


def note(files, operation, kind, stamp, place, status='A'):
    record = {'op': operation, 'type': kind, 'timestamp': stamp, 'location': place, 'status': status}
    with open(files.history, 'a') as file:
        file.write(json.dumps(record) + '\n')
        file.flush()
        os.fsync(file.fileno())


def snapshot(files):
    """The data as of now, also while others write."""
    source, target = sqlite3.connect(files.data, timeout=60), sqlite3.connect(':memory:')
    try:
        source.backup(target)
        return target.serialize() if hasattr(target, 'serialize') else dump(files, target)
    finally:
        source.close()
        target.close()


def dump(files, memory):
    path = files.data + '.backup'
    copy = sqlite3.connect(path)
    memory.backup(copy)
    copy.close()
    with open(path, 'rb') as file:
        data = file.read()
    os.unlink(path)
    return data


def backup(alias, files, target, online, compress, logs, in_use):
    cfg = files.cfg()
    if online and cfg.get('LOGARCHMETH1', 'OFF') == 'OFF':
        raise Failure('SQL2413N  Online backup is not allowed because the database is not recoverable or a backup pending condition is in effect.')
    if online and cfg.get('BACKUP_PENDING') == 'YES':
        raise Failure('SQL2413N  Online backup is not allowed because the database is not recoverable or a backup pending condition is in effect.')
    if not online and in_use:
        raise Failure(USED)
    if cfg.get('ROLLFORWARD_PENDING', 'NO') != 'NO':
        raise Failure('SQL1117N  A connection to or activation of database "%s" cannot be made because of ROLL-FORWARD PENDING.  SQLSTATE=57019' % alias)
    if target != '/dev/null' and not (os.path.isdir(target) and os.access(target, os.W_OK)):
        raise path_error(target)
    while True:
        stamp = time.strftime('%Y%m%d%H%M%S')
        path = os.path.join(target, '%s.0.%s.DBPART000.%s.001' % (alias, NAME, stamp))
        if target == '/dev/null' or not os.path.exists(path):
            break
        time.sleep(0.2)
    header = {
        'name': files.name,
        'alias': alias,
        'instance': NAME,
        'timestamp': stamp,
        'release': release(),
        'online': online,
        'logs': online and logs,
        'compress': compress,
        'attributes': {key: cfg[key] for key in ATTRIBUTES if key in cfg},
        'logpath': cfg['LOGPATH'],
    }
    if target != '/dev/null':
        try:
            image.save(path, header, snapshot(files))
        except OSError as error:
            if os.path.exists(path):
                os.unlink(path)
            note(files, 'B', 'N' if online else 'F', stamp, '', 'D')
            raise Failure('SQL2059W  A device full warning was encountered on device "%s" (%s).  SQL2419N  The target disk is full.' % (target, error))
        sync(target)
    if not online:
        files.update(BACKUP_PENDING='NO')
    note(files, 'B', 'N' if online else 'F', stamp, target)
    return stamp


def find_image(name, source, stamp):
    if not os.path.isdir(source):
        raise path_error(source)
    found = sorted(
        file
        for file in os.listdir(source)
        if file.startswith(name + '.0.') and file.endswith('.001') and (stamp is None or '.%s.' % stamp in file)
    )
    if not found:
        raise Failure('SQL2542N  No match for a database image file was found based on the source database alias "%s" and timestamp "%s" provided.' % (name, stamp or ''))
    return os.path.join(source, found[-1])


def restore(source_name, source, stamp, storage, dbpath, target, logtarget, without_rollforward, in_use):
    path = find_image(source_name, source, stamp)
    try:
        header, data, _ = image.load(path)
    except image.Corrupt as error:
        raise Failure('SQL2530N  The backup image is corrupt and may not be restored. The image is "%s" (%s).' % (path, error))
    if header['online'] and without_rollforward:
        raise Failure('SQL2537N  Roll-forward is required following the Restore.')
    if in_use:
        raise Failure(USED)
    existing = next((own for own in directory() or [] if own['alias'] == target and own['type'] == 'Indirect'), None)
    warning = None
    if existing:
        files = Files(existing['path'], existing['name'])
        warning = 'SQL2540W  Restore is successful, however a warning "2539" was encountered during Database Restore while processing in No Interrupt mode.'
    else:
        place = dbpath or (storage[0] if storage else HOME)
        for own in [place] + storage:
            if not os.path.isdir(own):
                raise Failure('SQL1052N  The database path "%s" does not exist.' % own)
        files = Files(place, target)
        files.make(storage[0] if storage else place, {})
        catalog(
            {'alias': target, 'name': target, 'path': place, 'type': 'Indirect', 'node': '', 'comment': '', 'release': ''}
        )
    if logtarget:
        if not os.path.isdir(logtarget):
            raise path_error(logtarget)
        put(os.path.join(logtarget, 'S0000000.LOG'), 'log of %s\n' % header['timestamp'])
    with open(files.data + '.new', 'wb') as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(files.data + '.new', files.data)
    sync(os.path.dirname(files.data))
    pending = 'DATABASE' if header['online'] else 'NO'
    if not header['online'] and header['attributes'].get('LOGARCHMETH1', 'OFF') != 'OFF' and not without_rollforward:
        pending = 'DATABASE'
    files.update(**header['attributes'], ROLLFORWARD_PENDING=pending, BACKUP_PENDING='NO')
    note(files, 'R', 'N' if header['online'] else 'F', header['timestamp'], source)
    return warning


def rollforward(files, stop):
    if files.cfg().get('ROLLFORWARD_PENDING', 'NO') == 'NO':
        raise Failure('SQL1260N  Database "%s" is not configured for roll-forward recovery on node(s) "0".' % files.name)
    if stop:
        files.update(ROLLFORWARD_PENDING='NO')


