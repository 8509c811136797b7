"""db2bp: the back end of one shell's `db2`. Keeps its connection until `db2 terminate`, or until the shell is gone."""
import json
import os
import socket
import threading
import time

import clp
from instance import HOME


def main(shell):
    name = '\0standin-db2bp-%d-%d' % (os.getuid(), shell)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(name)
    except OSError:
        return
    listener.listen(4)
    # As Db2's: its working directory keeps the instance's disk busy.
    os.chdir(HOME)
    with open('/proc/self/comm', 'w') as file:
        file.write('db2bp')
    null = os.open('/dev/null', os.O_RDWR)
    os.write(1, b'ready\n')
    for fd in (0, 1, 2):
        os.dup2(null, fd)

    def watch():
        while os.path.exists('/proc/%d' % shell) and os.path.isdir(HOME):
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    processor = clp.Processor()
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile('rw', encoding='utf-8', errors='surrogateescape', newline='\n') as stream:
            try:
                request = json.loads(stream.readline())
                code, text = processor.command(request['args'], request['env'], request['input'])
            except Exception as error:  # a command that breaks must not take the connection with it
                code, text = 8, 'DB21018E  A system error occurred (%r).\n' % error
            try:
                stream.write('%d\n%s' % (code, text))
                stream.flush()
            except OSError:
                pass
        if processor.ended:
            listener.close()
            os._exit(0)


