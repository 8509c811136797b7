"""A connection to db2sysc."""
import json
import socket

from instance import SOCKET, Failure

DOWN = 'SQL1032N  No start database manager command was issued.  SQLSTATE=57019'
LOST = 'SQL1224N  The database manager is not able to accept new requests, has terminated all requests in progress, or has terminated the specified request because of an error or a forced interrupt.  SQLSTATE=55032'


class Engine:
    def __init__(self):
        self.stream = None

    def ask(self, op, **request):
        fresh = self.stream is None
        if fresh:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(SOCKET)
            except OSError:
                raise Failure(DOWN)
            self.stream = connection.makefile('rw', encoding='utf-8', newline='\n')
        try:
            self.stream.write(json.dumps({'op': op, **request}) + '\n')
            self.stream.flush()
            line = self.stream.readline()
        except OSError:
            line = ''
        if not line:
            self.close()
            if not fresh:
                raise Failure(LOST if op == 'sql' else DOWN)
            raise Failure(DOWN)
        answer = json.loads(line)
        if 'error' in answer:
            raise Failure(answer['error'])
        return answer

    def close(self):
        if self.stream:
            try:
                self.stream.close()
            except OSError:
                pass
        self.stream = None
