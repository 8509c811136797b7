"""One connection to the engine: of a command line, or of a client over TCP."""
import itertools
import sqlite3
import time

import sql
import state
import views
from instance import NAME, Failure, local

numbers = itertools.count(7)


class Session:
    def __init__(self, user, client, origin):
        self.handle, self.user, self.client, self.origin = next(numbers), user, client, origin
        self.database = self.alias = self.connection = self.files = None
        self.since = time.strftime('%y%m%d%H%M%S')
        self.forced = False

    @property
    def identity(self):
        return '%s.%s.%s' % ('*LOCAL' if self.origin is None else self.origin, NAME if self.origin is None else self.handle, self.since)

    def connect(self, alias):
        self.leave()
        files = local(alias)
        with state.lock:
            state.usable(alias.upper(), files)
            try:
                state.enter(files)
                self.connection = sql.connect(files.data)
            except sqlite3.Error as error:
                raise Failure(sql.message(error))
            self.files, self.database, self.alias = files, files.name, alias.upper()

    def leave(self):
        with state.lock:
            if self.connection:
                # Often from another thread, when this session is forced off: not in the middle of a change.
                with state.opened[self.files.name].writing:
                    self.connection.close()
            files, self.connection, self.database, self.files = self.files, None, None, None
            if files:
                state.left(files)

    def execute(self, text):
        if self.forced:
            self.forced = False
            raise Failure(state.FORCED)
        connection, files = self.connection, self.files
        if not connection:
            raise Failure(state.NOT_CONNECTED)
        statement = sql.translate(text, self.user.upper(), lambda name: views.view(name, files))
        try:
            if sql.reads(statement):
                columns, rows = sql.run(connection, statement)
            else:
                database = state.opened[files.name]
                with database.writing:
                    columns, rows = database.journal.change(connection, statement, lambda: sql.run(connection, statement))
        except KeyError:
            raise Failure(state.FORCED)
        except sqlite3.ProgrammingError:
            raise Failure(state.FORCED)
        except sqlite3.Error as error:
            raise Failure(sql.message(error))
        return {'columns': columns, 'rows': rows}


def force(own):
    own.forced = True
    own.leave()


