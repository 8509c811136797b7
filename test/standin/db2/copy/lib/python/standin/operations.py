"""What the command line asks of the engine; each returns a dict, or raises a Failure."""
import os
import threading
import time

import backup as images
import restore as restoring
import sql
import state
from instance import EXISTS, Failure, Files, catalog, directory, find, local, uncatalog
from session import force as force_off

ACTIVE = 'SQL1490W  Activate database is successful, however, the database has already been activated on one or more nodes.'


def create(session, name, storage, dbpath, codeset, territory, pagesize):
    place = dbpath or storage[0]
    for own in [place] + storage:
        if not os.path.isdir(own) or not os.access(own, os.W_OK):
            raise Failure('SQL1052N  The database path "%s" does not exist.' % own)
    if pagesize not in ('4096', '8192', '16384', '32768'):
        raise Failure('SQL0104N  An unexpected token "%s" was found following "PAGESIZE".  SQLSTATE=42601' % pagesize)
    with state.lock:
        files = Files(place, name)
        if files.number or any(own['alias'] == name for own in directory() or []):
            raise Failure(EXISTS % name)
        files.make(
            storage[0],
            {'CODESET': codeset, 'TERRITORY': territory, 'PAGESIZE': pagesize, 'LOGARCHMETH1': 'OFF', 'BACKUP_PENDING': 'NO', 'ROLLFORWARD_PENDING': 'NO'},
        )
        connection = sql.connect(files.data)
        connection.execute('pragma user_version = 1')
        connection.close()
        catalog({'alias': name, 'name': name, 'path': place, 'type': 'Indirect', 'node': '', 'comment': '', 'release': ''})
    return {}


def drop(session, alias):
    entry, files = find(alias), local(alias)
    with state.alone(files, session):
        for own in directory() or []:
            if own['type'] == 'Indirect' and (own['name'], own['path']) == (entry['name'], entry['path']):
                uncatalog(own['alias'])
        files.remove()
    return {}


def activate(session, alias):
    files = local(alias)
    with state.lock:
        if files.name in state.active:
            raise Failure(ACTIVE)
        state.usable(alias.upper(), files)
        state.enter(files)
        state.active[files.name] = time.time()
        if state.users(files.name):
            raise Failure('SQL1494W  Activate database is successful, however, there is already a connection to the database.')
    return {}


def deactivate(session, alias):
    files = local(alias)
    with state.lock:
        if files.name not in state.active:
            raise Failure('SQL1496W  Deactivate database is successful, but the database was not activated.')
        del state.active[files.name]
        if state.users(files.name):
            raise Failure('SQL1495W  Deactivate database is successful, however, there is still a connection to the database.')
        state.left(files)
    return {}


def backup(session, alias, target, online, compress, logs):
    files, alias = local(alias), alias.upper()
    images.check(alias, files, target, online)
    if online:
        return {'timestamp': images.backup(alias, files, target, True, compress, logs)}
    with state.alone(files, session):
        return {'timestamp': images.backup(alias, files, target, False, compress, logs)}


def restore(session, source_name, source, stamp, storage, dbpath, target, logtarget, without_rollforward):
    header, parts = restoring.load(source_name, source, stamp)
    if header['online'] and without_rollforward:
        raise Failure('SQL2537N  Roll-forward is required following the Restore.')
    if logtarget and not os.path.isdir(logtarget):
        raise images.path_error(logtarget)
    with state.lock:
        if any(own['alias'] == target for own in directory() or []) and state.in_use(local(target), None):
            raise Failure(state.USED)
        files, warning = restoring.target_of(target, header, storage, dbpath)
    with state.alone(files, session):
        restoring.restore(header, parts, files, source, logtarget, without_rollforward)
    return {'warning': warning}


def rollforward(session, alias, how, stop, moment, overflow):
    files = local(alias)
    if how == 'query':
        return restoring.rollforward(files, how, stop, moment, overflow)
    with state.alone(files, session):
        return restoring.rollforward(files, how, stop, moment, overflow)


def restart(session, alias):
    files = local(alias)
    with state.lock:
        state.usable(alias.upper(), files)
        state.enter(files)
        state.left(files)
    return {}


def archive_log(session, alias):
    files = local(alias)
    if files.cfg().get('LOGARCHMETH1', 'OFF') == 'OFF':
        raise Failure('SQL1417N  The database is not configured for log archiving.')
    with state.lock:
        database = state.opened.get(files.name) or state.Open(files)
    with database.writing:
        database.journal.switch(force=True)
    return {}


def list_active(session):
    with state.lock:
        names = sorted(set(state.active) | {own.database for own in state.sessions.values() if own.database})
        entries = {own['name']: own for own in directory() or []}
        return {
            'databases': [
                {'name': name, 'connections': len(state.users(name)), 'path': Files(entries[name]['path'], name).control + '/MEMBER0000/'}
                for name in names
            ]
        }


def list_applications(session, alias=None):
    name = local(alias).name if alias else None
    with state.lock:
        return {
            'applications': [
                {'user': own.user.upper(), 'client': own.client, 'handle': own.handle, 'id': own.identity, 'name': own.database}
                for own in state.sessions.values()
                if own.database and (name is None or own.database == name)
            ]
        }


def force(session, handles=None):
    with state.lock:
        for own in list(state.sessions.values()):
            if own is not session and own.database and (handles is None or own.handle in handles):
                force_off(own)
    return {}


def update(session, alias, values):
    """Configuration of a database that may be open: what needs a closed one takes effect then."""
    with state.lock:
        files = local(alias)
        cfg, used = files.cfg(), state.in_use(files, None)
        changes_logs = cfg.get('LOGARCHMETH1', 'OFF') == 'OFF' and values.get('LOGARCHMETH1', 'OFF') != 'OFF'
        more = {('BACKUP_PENDING_NEXT' if used else 'BACKUP_PENDING'): 'YES'} if changes_logs else {}
        files.update(**values, **more)
        return {'inactive': not used}


def ping(session):
    return {'since': state.started}


def stop(session, force):
    with state.lock:
        if not force and any(own.database for own in state.sessions.values() if own is not session):
            raise Failure('SQL1025N  The database manager was not stopped because databases are still active.')
        for files in state.every_local():
            for own in state.users(files.name):
                own.leave()
            if state.active.pop(files.name, None):
                state.left(files)
    state.log('stopped')
    threading.Timer(0.05, os._exit, (0,)).start()
    return {}


NAMES = (create, drop, activate, deactivate, backup, restore, rollforward, restart, archive_log, list_active, list_applications, force, update, ping, stop)
LOCAL = {own.__name__: own for own in NAMES}
