"""Transaction logs of a database whose logs are kept: S0000000.LOG …, one JSON line for each change, written before its commit."""
import json
import os
import re
import sqlite3
import time

from instance import sync
from logs import NAME_OF, archive_of, lsn_of, records, replay


class Journal:
    def __init__(self, files):
        cfg = files.cfg()
        self.files = files
        self.kept = cfg.get('LOGARCHMETH1', 'OFF') != 'OFF'
        self.number, self.chain = int(cfg.get('LOGNUMBER', '0')), int(cfg.get('LOGCHAIN', '0'))
        self.size = int(cfg.get('LOGFILSIZ', '1024')) * 4096
        self.fd = None

    @property
    def path(self):
        return os.path.join(self.files.cfg()['LOGPATH'], NAME_OF % self.number)

    def recover(self):
        """After a crash: what was logged and did not reach the data is applied; number of records."""
        if not os.path.exists(self.path):
            return 0
        count, _, _ = replay(self.files.data, records(self.path))
        with open(self.path, 'rb+') as file:
            text = file.read()
            file.truncate(text.rfind(b'\n') + 1)
            os.fsync(file.fileno())
        return count

    def change(self, connection, text, run):
        """One transaction: the change, its record on the disk, the commit."""
        connection.execute('begin immediate')
        start = None
        try:
            result = run()
            if self.kept:
                lsn = lsn_of(connection) + 1
                connection.execute('pragma user_version = %d' % lsn)
                self.begin()
                start = os.fstat(self.fd).st_size
                line = json.dumps({'lsn': lsn, 'time': time.time(), 'sql': text}).encode() + b'\n'
                if os.write(self.fd, line) != len(line):
                    raise sqlite3.OperationalError('database or disk is full')
                os.fsync(self.fd)
            connection.execute('commit')
        except BaseException as error:
            if start is not None:
                os.ftruncate(self.fd, start)
            if connection.in_transaction:
                connection.execute('rollback')
            if isinstance(error, OSError):
                raise sqlite3.OperationalError('database or disk is full')
            raise
        if start is not None and start > self.size:
            self.switch()
        return result

    def begin(self):
        if self.fd is not None:
            return
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.fstat(self.fd).st_size == 0:
            os.write(self.fd, json.dumps({'lsn': 0, 'log': self.number, 'chain': self.chain}).encode() + b'\n')
        os.fsync(self.fd)
        sync(os.path.dirname(self.path))

    def end(self):
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def switch(self, force=False):
        """Ends the current log if it holds anything and archives it with those that could not be archived before; False where that failed."""
        if not self.kept:
            return True
        if force:
            self.begin()
        self.end()
        path, done = self.path, True
        if os.path.exists(path) and (force or sum(1 for _ in records(path)) > 1):
            self.number += 1
            self.files.update(LOGNUMBER=str(self.number))
        target = archive_of(self.files, self.chain)
        if target is None:
            return True
        place = os.path.dirname(path)
        for name in sorted(os.listdir(place)):
            if not re.fullmatch(r'S\d{7}\.LOG', name) or name >= NAME_OF % self.number:
                continue
            try:
                os.makedirs(target, exist_ok=True)
                with open(os.path.join(place, name), 'rb') as old, open(os.path.join(target, name), 'wb') as new:
                    new.write(old.read())
                    new.flush()
                    os.fsync(new.fileno())
                sync(target)
                os.unlink(os.path.join(place, name))
            except OSError:
                done = False
        return done
