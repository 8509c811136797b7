"""What the engine has open: databases with their logs, sessions, and who holds a database for itself."""
import os
import sqlite3
import threading
import time

from instance import NAME, SQLLIB, Failure, Files, directory
from journal import Journal

NOT_CONNECTED = 'SQL1024N  A database connection does not exist.  SQLSTATE=08003'
USED = 'SQL1035N  The operation failed because the specified database cannot be connected to in the mode requested.  SQLSTATE=57019'
FORCED = 'SQL1224N  The database manager is not able to accept new requests, has terminated all requests in progress, or has terminated the specified request because of an error or a forced interrupt.  SQLSTATE=55032'

started = time.time()
lock = threading.RLock()
active = {}
opened = {}
exclusive = set()
sessions = {}


def log(text):
    try:
        with open(os.path.join(SQLLIB, 'db2dump/db2diag.log'), 'a') as file:
            file.write('%s  PID: %d  INSTANCE: %s  %s\n' % (time.strftime('%Y-%m-%d-%H.%M.%S'), os.getpid(), NAME, text))
    except OSError:
        pass


class Open:
    """A database that somebody uses or that is activated; `writing` is held by one change, or by what needs none."""

    def __init__(self, files):
        self.files, self.writing = files, threading.RLock()
        path = files.cfg().get('NEWLOGPATH')
        if path:
            self.move_logs(path)
        self.journal = Journal(files)
        try:
            count = self.journal.recover()
        except (OSError, ValueError, sqlite3.Error) as error:
            log('crash recovery of %s failed: %s' % (files.name, error))
            raise Failure('SQL1034C  The database was damaged, so all applications processing the database were stopped.  SQLSTATE=58031')
        if count:
            log('crash recovery of %s: %d records applied' % (files.name, count))

    def move_logs(self, path):
        import shutil

        place = os.path.join(path, 'NODE0000/LOGSTREAM0000/')
        try:
            os.makedirs(place, exist_ok=True)
            old = self.files.cfg()['LOGPATH']
            for name in os.listdir(old):
                shutil.copy2(os.path.join(old, name), place)
        except OSError:
            log('NEWLOGPATH %s cannot be used' % path)
            return
        self.files.update(LOGPATH=place, NEWLOGPATH='')


def users(name):
    return [own for own in sessions.values() if own.database == name]


def in_use(files, session):
    return files.name in active or files.name in exclusive or any(own is not session for own in users(files.name))


def usable(alias, files):
    cfg = files.cfg()
    if files.name in exclusive:
        raise Failure(USED)
    if cfg.get('RESTORE_PENDING') == 'YES':
        raise Failure('SQL1119N  A connection to or activation of database "%s" cannot be made because a previous restore is incomplete or still in progress.  SQLSTATE=57019' % alias)
    if cfg.get('BACKUP_PENDING') == 'YES':
        raise Failure('SQL1116N  A connection to or activation of database "%s" failed because the database is in BACKUP PENDING state.  SQLSTATE=57019' % alias)
    if cfg.get('ROLLFORWARD_PENDING', 'NO') != 'NO':
        raise Failure('SQL1117N  A connection to or activation of database "%s" cannot be made because of ROLL-FORWARD PENDING.  SQLSTATE=57019' % alias)
    if not os.path.exists(files.data):
        raise Failure('SQL0293N  Error accessing a table space container.  SQLSTATE=57048')


def enter(files):
    if files.name not in opened:
        opened[files.name] = Open(files)
    return opened[files.name]


def left(files):
    """What takes effect when the last one leaves a database."""
    if files.name in active or users(files.name):
        return
    database = opened.pop(files.name, None)
    if database and os.path.exists(files.conf):
        with database.writing:
            database.journal.switch()
        if files.cfg().get('BACKUP_PENDING_NEXT') == 'YES':
            files.update(BACKUP_PENDING='YES', BACKUP_PENDING_NEXT='NO')


class alone:
    """With a database that nobody uses, and nobody may until the end; taken by a session that may be its own only user."""

    def __init__(self, files, session):
        self.files, self.session = files, session

    def __enter__(self):
        with lock:
            if in_use(self.files, self.session) or users(self.files.name):
                raise Failure(USED)
            exclusive.add(self.files.name)

    def __exit__(self, *_):
        with lock:
            exclusive.discard(self.files.name)


def every_local():
    return [Files(own['path'], own['name']) for own in directory() or [] if own['type'] == 'Indirect']


