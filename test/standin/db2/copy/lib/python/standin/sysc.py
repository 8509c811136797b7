"""db2sysc: the engine. Started by db2start as the instance's owner; answers JSON lines, locally and over TCP."""
import ctypes
import json
import os
import signal
import socket
import sys
import threading
import time

import backup as images
import sql
from instance import EXISTS, HOME, NAME, SOCKET, SQLLIB, Failure, Files, catalog, directory, find, local, read, release, uncatalog

NOT_CONNECTED = 'SQL1024N  A database connection does not exist.  SQLSTATE=08003'
started = time.time()
lock = threading.RLock()
active = {}
sessions = {}
numbers = iter(range(7, 1 << 30))


def named(name):
    with open('/proc/self/comm', 'w') as file:
        file.write(name)


def log(text):
    try:
        with open(os.path.join(SQLLIB, 'db2dump/db2diag.log'), 'a') as file:
            file.write('%s  PID: %d  INSTANCE: %s  %s\n' % (time.strftime('%Y-%m-%d-%H.%M.%S'), os.getpid(), NAME, text))
    except OSError:
        pass


def users(name):
    return [own for own in sessions.values() if own.database == name]


def usable(alias, files):
    cfg = files.cfg()
    if cfg.get('BACKUP_PENDING') == 'YES':
        raise Failure('SQL1116N  A connection to or activation of database "%s" failed because the database is in BACKUP PENDING state.  SQLSTATE=57019' % alias)
    if cfg.get('ROLLFORWARD_PENDING', 'NO') != 'NO':
        raise Failure('SQL1117N  A connection to or activation of database "%s" cannot be made because of ROLL-FORWARD PENDING.  SQLSTATE=57019' % alias)
    if not os.path.exists(files.data):
        raise Failure('SQL0293N  Error accessing a table space container.  SQLSTATE=57048')


def closed(files):
    """What takes effect when the last one leaves a database."""
    if files.cfg().get('BACKUP_PENDING_NEXT') == 'YES':
        files.update(BACKUP_PENDING='YES', BACKUP_PENDING_NEXT='NO')


def paths(files):
    cfg = files.cfg()
    rows = [
        ('LOGPATH', cfg['LOGPATH']),
        ('DB_STORAGE_PATH', cfg['STORAGE'].rstrip('/') + '/'),
        ('LOCAL_DB_DIRECTORY', os.path.join(files.node, 'sqldbdir/')),
        ('DBPATH', files.control + '/'),
        ('DBPATH', files.control + '/MEMBER0000/'),
    ]
    rows += [('TBSP_CONTAINER', own) for own in cfg.get('CONTAINERS', '').split(',') if own]
    return ' union all '.join("select '%s' as TYPE, '%s' as PATH" % row for row in rows)


class Session:
    def __init__(self, user, client):
        self.handle, self.user, self.client = next(numbers), user, client
        self.database = self.alias = self.connection = self.files = None
        self.since = time.strftime('%Y%m%d%H%M%S')
        self.forced = False

    def connect(self, alias):
        self.leave()
        files = local(alias)
        with lock:
            usable(alias.upper(), files)
            self.connection = sql.connect(files.data)
            self.files, self.database, self.alias = files, files.name, alias.upper()

    def leave(self):
        with lock:
            if self.connection:
                self.connection.close()
            files, self.connection, self.database, self.files = self.files, None, None, None
            if files and not users(files.name) and files.name not in active and os.path.exists(files.conf):
                closed(files)

    def execute(self, text):
        if self.forced:
            self.forced = False
            self.leave()
            raise Failure('SQL1224N  The database manager is not able to accept new requests, has terminated all requests in progress, or has terminated the specified request because of an error or a forced interrupt.  SQLSTATE=55032')
        if not self.connection:
            raise Failure(NOT_CONNECTED)
        values = {'release': release().replace('.', '0', 1), 'paths': paths(self.files)}
        try:
            columns, rows = sql.run(self.connection, text, self.user.upper(), values)
        except sql.Error as error:
            raise Failure(str(error))
        return {'columns': columns, 'rows': rows}


# ---- what the command line asks for; each returns a dict


def create(session, name, storage, dbpath, codeset, territory, pagesize):
    place = dbpath or storage[0]
    for own in [place] + storage:
        if not os.path.isdir(own) or not os.access(own, os.W_OK):
            raise Failure('SQL1052N  The database path "%s" does not exist.' % own)
    with lock:
        files = Files(place, name)
        if files.number or any(own['alias'] == name for own in directory() or []):
            raise Failure(EXISTS % name)
        files.make(
            storage[0],
            {'CODESET': codeset, 'TERRITORY': territory, 'PAGESIZE': pagesize, 'LOGARCHMETH1': 'OFF', 'BACKUP_PENDING': 'NO', 'ROLLFORWARD_PENDING': 'NO'},
        )
        sql.connect(files.data).execute('pragma user_version = 1').connection.close()
        catalog({'alias': name, 'name': name, 'path': place, 'type': 'Indirect', 'node': '', 'comment': '', 'release': ''})
    return {}


def drop(session, alias):
    with lock:
        entry, files = find(alias), local(alias)
        if users(files.name) or files.name in active:
            raise Failure(images.USED)
        uncatalog(entry['alias'])
        files.remove()
    return {}


def activate(session, alias):
    files = local(alias)
    with lock:
        if files.name in active:
            raise Failure('SQL1490W  Activate database is successful, however, the database has already been activated on one or more nodes.')
        usable(alias.upper(), files)
        active[files.name] = time.time()
    return {}


def deactivate(session, alias):
    files = local(alias)
    with lock:
        if files.name not in active:
            raise Failure('SQL1496W  Deactivate database is successful, but the database was not activated.')
        del active[files.name]
        if users(files.name):
            raise Failure('SQL1495W  Deactivate database is successful, however, there is still a connection to the database.')
        closed(files)
    return {}


def in_use(files, session):
    return files.name in active or any(own is not session for own in users(files.name))


def backup(session, alias, target, online, compress, logs):
    files = local(alias)
    if online:
        return {'timestamp': images.backup(alias.upper(), files, target, True, compress, logs, False)}
    with lock:
        return {'timestamp': images.backup(alias.upper(), files, target, False, compress, logs, in_use(files, session))}


def restore(session, source_name, source, stamp, storage, dbpath, target, logtarget, without_rollforward):
    with lock:
        used = any(own['alias'] == target for own in directory() or []) and in_use(local(target), session)
        return {'warning': images.restore(source_name, source, stamp, storage, dbpath, target, logtarget, without_rollforward, used)}


def rollforward(session, alias, stop):
    images.rollforward(local(alias), stop)
    return {}


def list_active(session):
    with lock:
        names = sorted(set(active) | {own.database for own in sessions.values() if own.database})
        entries = {own['name']: own for own in directory() or []}
        return {
            'databases': [
                {'name': name, 'connections': len(users(name)), 'path': Files(entries[name]['path'], name).control + '/MEMBER0000/'}
                for name in names
            ]
        }


def list_applications(session, alias=None):
    name = local(alias).name if alias else None
    with lock:
        return {
            'applications': [
                {'user': own.user.upper(), 'client': own.client, 'handle': own.handle, 'id': '*LOCAL.%s.%s' % (NAME, own.since[2:]), 'name': own.database}
                for own in sessions.values()
                if own.database and (name is None or own.database == name)
            ]
        }


def force(session, handles=None):
    with lock:
        for own in sessions.values():
            if own is not session and own.database and (handles is None or own.handle in handles):
                own.forced = True
                own.leave()
    return {}


def update(session, alias, values):
    """Database configuration of a database that may be open: (needs to be closed first)."""
    with lock:
        files = local(alias)
        cfg, used = files.cfg(), in_use(files, None)
        more = {}
        if cfg.get('LOGARCHMETH1', 'OFF') == 'OFF' and values.get('LOGARCHMETH1', 'OFF') != 'OFF':
            more = {'BACKUP_PENDING_NEXT': 'YES'} if used else {'BACKUP_PENDING': 'YES'}
        files.update(**values, **more)
        return {'inactive': not used}


def ping(session):
    return {'since': started}


def stop(session, force):
    with lock:
        if not force and any(own.database for own in sessions.values() if own is not session):
            raise Failure('SQL1025N  The database manager was not stopped because databases are still active.')
        for entry in directory() or []:
            if entry['type'] == 'Indirect' and (entry['name'] in active or users(entry['name'])):
                for own in users(entry['name']):
                    own.leave()
                active.pop(entry['name'], None)
                closed(Files(entry['path'], entry['name']))
    log('stopped')
    threading.Timer(0.05, os._exit, (0,)).start()
    return {}


LOCAL = {own.__name__: own for own in (create, drop, activate, deactivate, backup, restore, rollforward, list_active, list_applications, force, update, ping, stop)}


def serve(connection, is_local):
    session = Session(NAME, 'db2bp' if is_local else 'client')
    with lock:
        sessions[session.handle] = session
    try:
        with connection, connection.makefile('rw', encoding='utf-8', newline='\n') as stream:
            for line in stream:
                try:
                    request = json.loads(line)
                    operation = request.pop('op')
                    if operation == 'connect':
                        session.user = request.get('user') or NAME
                        session.connect(request['alias'])
                        answer = {'server': release(), 'alias': session.alias, 'user': session.user.upper()}
                    elif operation == 'reset':
                        session.leave()
                        answer = {}
                    elif operation == 'sql':
                        answer = session.execute(request['text'])
                    elif is_local and operation in LOCAL:
                        answer = LOCAL[operation](session, **request)
                    else:
                        answer = {'error': 'SQL0902C  A system error occurred.  SQLSTATE=58005'}
                except Failure as failure:
                    answer = {'error': failure.text}
                except OSError as error:
                    log('error: %s' % error)
                    answer = {'error': 'SQL0902C  A system error occurred (%s).  SQLSTATE=58005' % error}
                stream.write(json.dumps(answer) + '\n')
                stream.flush()
    except (OSError, ValueError):
        pass
    finally:
        session.leave()
        with lock:
            sessions.pop(session.handle, None)


def listen(listener, is_local):
    while True:
        connection, _ = listener.accept()
        if not is_local:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        threading.Thread(target=serve, args=(connection, is_local), daemon=True).start()


def port():
    """SVCENAME when DB2COMM says TCPIP; None without."""
    if 'TCPIP' not in read(os.path.join(SQLLIB, 'profile.env')).get('DB2COMM', '').upper():
        return None
    service = read(os.path.join(SQLLIB, 'db2systm')).get('SVCENAME', '')
    try:
        return int(service) if service.isdigit() else socket.getservbyname(service, 'tcp')
    except OSError:
        return None


def quiet():
    null = os.open('/dev/null', os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


def child(name):
    """A process of the engine that does nothing but be there, and goes with its parent."""
    parent = os.getpid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        quiet()
        named(name)
        os.chdir(os.path.join(SQLLIB, 'tmp'))
        while os.getppid() == parent:
            time.sleep(3600)
        os._exit(0)


def main():
    local_socket = socket.socket(socket.AF_UNIX)
    local_socket.bind(SOCKET)
    local_socket.listen(64)
    tcp = None
    if port():
        tcp = socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind(('0.0.0.0', port()))
            tcp.listen(64)
        except OSError as error:
            # As Db2: the engine starts, and says that it has no TCP/IP.
            print('SQL5043N')
            log('TCP/IP: %s' % error)
            tcp = None
    os.chdir(HOME)
    for name in ('db2wdog', 'db2acd', 'db2ckpwd', 'db2fmp'):
        child(name)
    named('db2sysc')
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    log('started')
    print('ready', flush=True)
    quiet()
    if tcp:
        threading.Thread(target=listen, args=(tcp, False), daemon=True).start()
    listen(local_socket, True)


