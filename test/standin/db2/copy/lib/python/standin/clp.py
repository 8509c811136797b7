"""The command line processor: one command or statement, its messages, and the exit code that they give."""
import os
import re

import show
from commands import COMMANDS
from engine import Engine
from instance import Failure, find

UNKNOWN = 'SQL0104N  An unexpected token "%s" was found following "BEGIN-OF-STATEMENT".  SQLSTATE=42601'
NOT_A_COMMAND = 'DB21034E  The command was processed as an SQL statement because it was not a valid Command Line Processor command.  During SQL processing it returned:'
NO_ROW = 'SQL0100W  No row was found for FETCH, UPDATE or DELETE; or the result of a query is an empty table.  SQLSTATE=02000'
STATEMENT = r'\s*(select|insert|update|delete|create|drop|alter|values|with|commit|rollback|call|merge|grant|revoke|set|runstats|reorg)\b'
# What changes nothing here.
WITHOUT_EFFECT = r'\s*(commit|rollback|set|grant|revoke|call|runstats|reorg)\b'


def code_of(text):
    """1 no rows, 2 warning, 4 error, by the letters of the messages."""
    letters = {found[-1] for found in re.findall(r'\b(?:SQL|DB2)\d{4,5}[IWNEC]', text)}
    return 4 if letters & {'N', 'C', 'E'} else 2 if 'W' in letters else 0


class Processor:
    def __init__(self):
        self.engine, self.ended, self.alias = Engine(), False, None
        self.env, self.input, self.plain = {}, '', False

    def command(self, args, env, given):
        """(exit code, output)"""
        self.env, self.input, self.plain = env, given, False
        show.prepare(env)
        words, options, file = list(args), '', None
        quiet = set()
        while words and re.match(r'[-+][a-z]', words[0]):
            option = words.pop(0)
            if option[0] == '+':
                quiet |= set(option[1:])
                continue
            options += option[1:]
            if 'f' in option:
                file = option.split('f', 1)[1] or (words.pop(0) if words else '')
                options = options.replace(file, '') if file else options
        self.plain = 'x' in options
        if file is None:
            statements = [' '.join(words)]
        else:
            try:
                statements = self.script(file, 't' in options)
            except OSError:
                return 4, show.message('DB21005E  An error occurred while accessing the file "%s".' % file)
        code, output = 0, ''
        for statement in statements:
            if 'v' in options:
                output += statement + '\n'
            own, text = self.one(statement)
            code |= own & ~3 if 'w' in quiet else own
            output += text + ('\n' if file is not None and show.blank() else '')
            if self.ended or own >= 4 and 's' in options:
                break
        return code, output

    def script(self, file, terminated):
        with open(os.path.join(self.env.get('PWD', '/'), file)) as opened:
            text = re.sub(r'^\s*--.*\n?', '', opened.read(), flags=re.M)
        found = [own.strip() for own in (re.split(r';\s*(?:\n|$)', text) if terminated else text.split('\n'))]
        return [own for own in found if own]

    def one(self, statement):
        statement = statement.strip().rstrip(';').rstrip()
        try:
            first = (statement.split() or [''])[0].lower()
            for pattern, run in COMMANDS:
                # A pattern is compiled only when its word is said: a start counts on a slow machine.
                if not pattern.startswith((first, '(')):
                    continue
                found = re.fullmatch(pattern, statement, re.I | re.S)
                if found:
                    text = run(self, *found.groups())
                    break
            else:
                text = self.connection(statement)
        except Failure as failure:
            return code_of(failure.text), show.message(failure.text)
        return text if isinstance(text, tuple) else (code_of(text), text)

    # ---- connection and SQL: what the back end is kept for

    def connection(self, statement):
        found = re.fullmatch(r'connect\s+to\s+"?([\w@#$]+)"?(?:\s+user\s+(\S+)(?:\s+using\s+(\S+))?)?', statement, re.I)
        if found:
            return self.connect(found.group(1), found.group(2))
        if re.fullmatch(r'connect\s+reset|disconnect\s+\w+', statement, re.I):
            if self.alias or self.engine.stream:
                self.engine.ask('reset')
            elif not self.alias:
                raise Failure('SQL1024N  A database connection does not exist.  SQLSTATE=08003')
            self.alias = None
            return show.message('DB20000I  The SQL command completed successfully.')
        if re.fullmatch(r'connect', statement, re.I):
            raise Failure('SQL1024N  A database connection does not exist.  SQLSTATE=08003')
        if re.fullmatch(r'terminate', statement, re.I):
            self.leave()
            self.ended = True
            return show.message('DB20000I  The TERMINATE command completed successfully.')
        return self.statement(statement)

    def leave(self):
        """Answered by the engine, so that the database is free when TERMINATE returns."""
        try:
            if self.engine.stream:
                self.engine.ask('reset')
        except Failure:
            pass
        self.engine.close()

    def connect(self, alias, user):
        entry = find(alias)
        if entry['type'] == 'Remote':
            raise Failure('SQL30081N  A communication error has been detected. Communication protocol being used: "TCP/IP".  Communication API being used: "SOCKETS".  Communication function detecting the error: "connect".  SQLSTATE=08001')
        self.alias = None
        answer = self.engine.ask('connect', alias=alias, user=user)
        self.alias = answer['alias']
        return show.connection(answer)

    def statement(self, text):
        if not re.match(STATEMENT, text, re.I):
            return 4, show.message(UNKNOWN % (text.split() or ['END-OF-STATEMENT'])[0])
        if not self.alias:
            raise Failure('SQL1024N  A database connection does not exist.  SQLSTATE=08003')
        if re.match(WITHOUT_EFFECT, text, re.I):
            return show.message('DB20000I  The SQL command completed successfully.')
        try:
            answer = self.engine.ask('sql', text=text)
        except Failure as failure:
            if not self.engine.stream or failure.text.startswith('SQL1224N'):
                self.alias = None
            return 4, show.message(NOT_A_COMMAND) + show.message(failure.text)
        if answer['columns'] is None:
            if answer['rows'] == 0 and re.match(r'\s*(update|delete|insert)\b', text, re.I):
                return 1, show.message(NO_ROW)
            return show.message('DB20000I  The SQL command completed successfully.')
        return (0 if answer['rows'] else 1), show.rows(answer['columns'], answer['rows'], self.plain)
