"""db2sysc: the engine. Started by db2start as the instance's owner; answers JSON lines, locally and over TCP."""
import ctypes
import json
import os
import signal
import socket
import threading
import time

import state
from instance import HOME, NAME, SOCKET, SQLLIB, Failure, read, release
from operations import LOCAL
from session import Session


def named(name):
    with open('/proc/self/comm', 'w') as file:
        file.write(name)


def answer(session, request, is_local):
    operation = request.pop('op')
    if operation == 'connect':
        session.user = request.get('user') or NAME
        session.client = request.get('program') or session.client
        session.connect(request['alias'])
        return {'server': release(), 'alias': session.alias, 'user': session.user.upper()}
    if operation == 'reset':
        session.leave()
        return {}
    if operation == 'sql':
        return session.execute(request['text'])
    if is_local and operation in LOCAL:
        return LOCAL[operation](session, **request)
    return {'error': 'SQL0902C  A system error occurred.  SQLSTATE=58005'}


def serve(connection, is_local, origin):
    session = Session(NAME, 'db2bp' if is_local else 'client', origin)
    with state.lock:
        state.sessions[session.handle] = session
    try:
        with connection, connection.makefile('rw', encoding='utf-8', newline='\n') as stream:
            for line in stream:
                try:
                    said = answer(session, json.loads(line), is_local)
                except Failure as failure:
                    said = {'error': failure.text}
                except Exception as error:  # what one request broke must not end the engine, nor go unsaid
                    state.log('error: %r' % error)
                    said = {'error': 'SQL0902C  A system error occurred (%s).  SQLSTATE=58005' % error}
                stream.write(json.dumps(said) + '\n')
                stream.flush()
    except (OSError, ValueError):
        pass
    finally:
        session.leave()
        with state.lock:
            state.sessions.pop(session.handle, None)


def listen(listener, is_local):
    while True:
        connection, address = listener.accept()
        if not is_local:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        threading.Thread(target=serve, args=(connection, is_local, None if is_local else address[0]), daemon=True).start()


def port():
    """SVCENAME when DB2COMM says TCPIP; None without."""
    if 'TCPIP' not in read(os.path.join(SQLLIB, 'profile.env')).get('DB2COMM', '').upper():
        return None
    service = read(os.path.join(SQLLIB, 'db2systm')).get('SVCENAME', '')
    try:
        return int(service) if service.isdigit() else socket.getservbyname(service, 'tcp')
    except OSError:
        return 0


def tcp_listener():
    """None where no TCP/IP is wanted or possible; Db2 starts without it, and says so."""
    number = port()
    if number is None:
        return None
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if not number:
            raise OSError('SVCENAME is no port and in no line of /etc/services')
        listener.bind(('0.0.0.0', number))
        listener.listen(64)
        return listener
    except OSError as error:
        print('SQL5043N')
        state.log('TCP/IP: %s' % error)
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
    os.chdir(HOME)
    for name in ('db2wdog', 'db2acd', 'db2ckpwd', 'db2fmp'):
        child(name)
    # After the children: none of them may keep it when this process is killed.
    local_socket = socket.socket(socket.AF_UNIX)
    local_socket.bind(SOCKET)
    tcp = tcp_listener()
    named('db2sysc')
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    state.log('started')
    local_socket.listen(64)
    if tcp:
        threading.Thread(target=listen, args=(tcp, False), daemon=True).start()
    print('ready', flush=True)
    quiet()
    listen(local_socket, True)
