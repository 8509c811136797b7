"""The command line processor: one command or statement, its messages, and the exit code that they give."""
import os
import re

import show
from engine import Engine
from instance import NAME, SQLLIB, EXISTS, Failure, catalog, directory, find, local, read, uncatalog, write

DONE = 'DB20000I  The %s command completed successfully.'
NAME_ = r'"?([A-Za-z@#$_][\w@#$]*)"?'
DB = r'(?:database|db)'
CFG = r'(?:configuration|config|cfg)'


def code_of(text):
    """1 no rows, 2 warning, 4 error, by the letters of the messages."""
    letters = {found[-1] for found in re.findall(r'\b(?:SQL|DB2)\d{4,5}[IWNC]', text)}
    return 4 if letters & {'N', 'C'} else 2 if 'W' in letters else 0


class Processor:
    def __init__(self):
        self.engine, self.ended, self.alias = Engine(), False, None
        self.env, self.input, self.plain = {}, '', False

    def command(self, args, env, given):
        """(exit code, output)"""
        self.env, self.input, self.plain = env, given, False
        show.prepare(env)
        statements, words, file = [], list(args), None
        verbose = terminated = False
        while words and re.match(r'[-+][a-z]', words[0]):
            option = words.pop(0)
            self.plain |= option.startswith('-') and 'x' in option
            verbose |= option.startswith('-') and 'v' in option
            terminated |= option.startswith('-') and 't' in option
            if option.startswith('-') and 'f' in option:
                file = option.split('f', 1)[1] or words.pop(0)
        if file:
            try:
                with open(os.path.join(env.get('PWD', '/'), file)) as opened:
                    text = opened.read()
            except OSError:
                return 4, 'DB21004E  You cannot specify both an input file and a command when invoking the Command Line Processor.\n' if words else 'DB21005E  An error occurred while accessing the file "%s".\n' % file
            text = re.sub(r'^\s*--.*\n?', '', text, flags=re.M)
            statements = [own.strip() for own in (text.split(';') if terminated else text.split('\n'))]
            statements = [own for own in statements if own]
        else:
            statements = [' '.join(words)]
        code, output = 0, ''
        for statement in statements:
            if verbose:
                output += statement + '\n'
            own, text = self.one(statement)
            code |= own
            output += text
        return code, output

    def one(self, statement):
        statement = statement.strip().rstrip(';')
        for pattern, method in COMMANDS:
            found = re.fullmatch(pattern, statement, re.I | re.S)
            if found:
                break
        else:
            found, method = None, Processor.statement
        try:
            text = method(self, statement) if found is None else method(self, *found.groups())
        except Failure as failure:
            return code_of(failure.text), show.message(failure.text)
        if isinstance(text, tuple):
            return text
        return code_of(text), text

    # ---- connection

    def connect(self, alias, user=None, password=None):
        entry = find(alias)
        if entry['type'] == 'Remote':
            raise Failure('SQL30081N  A communication error has been detected. Communication protocol being used: "TCP/IP".  SQLSTATE=08001')
        answer = self.engine.ask('connect', alias=alias, user=user)
        self.alias = answer['alias']
        return show.connection(answer)

    def reset(self):
        self.engine.ask('reset')
        self.alias = None
        return show.message('DB20000I  The SQL command completed successfully.')

    def terminate(self):
        self.engine.close()
        self.ended = True
        return show.message(DONE % 'TERMINATE')

    def statement(self, text):
        if not re.match(r'\s*(select|insert|update|delete|create|drop|alter|values|with|commit|rollback|call|merge|grant|set)\b', text, re.I):
            first = (text.split() or [''])[0]
            return 4, show.message('SQL0104N  An unexpected token "%s" was found following "BEGIN-OF-STATEMENT".  SQLSTATE=42601' % first)
        if not self.alias:
            raise Failure('SQL1024N  A database connection does not exist.  SQLSTATE=08003')
        if re.match(r'\s*(commit|rollback|set|grant|call)\b', text, re.I):
            return show.message('DB20000I  The SQL command completed successfully.')
        try:
            answer = self.engine.ask('sql', text=text)
        except Failure as failure:
            if not self.engine.stream:
                self.alias = None
            return 4, show.message('DB21034E  The command was processed as an SQL statement because it was not a valid Command Line Processor command.  During SQL processing it returned:') + show.message(failure.text)
        if answer['columns'] is None:
            if answer['rows'] == 0 and re.match(r'\s*(update|delete|insert)\b', text, re.I):
                return 1, show.message('SQL0100W  No row was found for FETCH, UPDATE or DELETE; or the result of a query is an empty table.  SQLSTATE=02000')
            return show.message('DB20000I  The SQL command completed successfully.')
        return (0 if answer['rows'] else 1), show.rows(answer['columns'], answer['rows'], self.plain)

    # ---- databases

    def create(self, name, rest):
        def option(pattern, default):
            found = re.search(pattern, rest, re.I)
            return found.group(1).strip() if found else default

        default = read(os.path.join(SQLLIB, 'db2systm')).get('DFTDBPATH', '')
        storage = option(r'(?<!dbpath )\bon\s+((?:/[^\s,]*)(?:\s*,\s*/[^\s,]*)*)', default)
        self.engine.ask(
            'create',
            name=name.upper(),
            storage=[own.strip() for own in storage.split(',')],
            dbpath=option(r'\bdbpath\s+on\s+(\S+)', None),
            codeset=option(r'\bcodeset\s+(\S+)', 'UTF-8'),
            territory=option(r'\bterritory\s+(\S+)', 'US').upper(),
            pagesize=option(r'\bpagesize\s+(\d+)', '4096'),
        )
        return show.message(DONE % 'CREATE DATABASE')

    def simple(verb, title):
        def run(self, alias):
            self.engine.ask(verb, alias=alias)
            return show.message(DONE % title)

        return run

    drop, activate, deactivate = simple('drop', 'DROP DATABASE'), simple('activate', 'ACTIVATE DATABASE'), simple('deactivate', 'DEACTIVATE DATABASE')

    def backup(self, alias, online, target, rest):
        target = target or self.env.get('PWD', '/')
        words = rest.lower()
        if re.search(r'\binclude logs\b', words) and not online:
            raise Failure('SQL2032N  The "INCLUDE LOGS" parameter is not valid.')
        answer = self.engine.ask(
            'backup', alias=alias, target=target, online=bool(online), compress='compress' in words, logs='exclude logs' not in words
        )
        return show.backup(answer['timestamp'])

    def restore(self, name, rest):
        def option(pattern):
            found = re.search(pattern, ' ' + rest, re.I)
            return found.group(1) if found else None

        storage = option(r'(?<!dbpath)\s(?:on|to)\s+((?:/[^\s,]*)(?:\s*,\s*/[^\s,]*)*)')
        target = (option(r'\binto\s+(\S+)') or name).upper()
        prompted = not re.search(r'\bwithout\s+prompting\b', rest, re.I)
        exists = any(own['alias'] == target for own in directory() or [])
        asked = ''
        if exists and prompted and not re.search(r'\breplace existing\b', rest, re.I):
            asked = show.message(show.OVERWRITE, end='\n') + 'Do you want to continue ? (y/n) '
            if not self.input.strip().lower().startswith('y'):
                return 4, asked + '\n' + show.message('SQL2512N  The restore was terminated.')
        answer = self.engine.ask(
            'restore',
            source_name=name.upper(),
            source=option(r'\sfrom\s+(\S+)') or self.env.get('PWD', '/'),
            stamp=option(r'\btaken\s+at\s+(\d+)'),
            storage=[own.strip() for own in storage.split(',')] if storage else [],
            dbpath=option(r'\bdbpath\s+on\s+(\S+)'),
            target=target,
            logtarget=option(r'\blogtarget\s+(\S+)'),
            without_rollforward=bool(re.search(r'\bwithout\s+rolling\s+forward\b', rest, re.I)),
        )
        warning = show.message(answer['warning']) if answer['warning'] and not asked else ''
        return asked + warning + show.message(DONE % 'RESTORE DATABASE')

    def rollforward(self, alias, rest):
        self.engine.ask('rollforward', alias=alias, stop=bool(re.search(r'\b(stop|complete)\b', rest, re.I)))
        return show.rollforward(alias) + show.message(DONE % 'ROLLFORWARD')

    def catalog(self, name, alias, path, node):
        alias = (alias or name).upper()
        entry = {'alias': alias, 'name': name.upper(), 'comment': '', 'release': '', 'path': path or '', 'node': (node or '').upper()}
        catalog({**entry, 'type': 'Remote' if node else 'Indirect'})
        return show.message(DONE % 'CATALOG DATABASE') + show.message('DB21056W  Directory changes may not be effective until the directory cache is refreshed.')

    def uncatalog(self, alias):
        find(alias)
        uncatalog(alias.upper())
        return show.message(DONE % 'UNCATALOG DATABASE') + show.message('DB21056W  Directory changes may not be effective until the directory cache is refreshed.')

    def catalog_node(self, *_):
        return show.message(DONE % 'CATALOG TCPIP NODE') + show.message('DB21056W  Directory changes may not be effective until the directory cache is refreshed.')

    # ---- lists

    def list_directory(self):
        entries = directory()
        if entries is None:
            raise Failure('SQL1031N  The database directory cannot be found on the indicated file system.')
        if not entries:
            raise Failure('SQL1057W  The system database directory is empty.  SQLSTATE=01606')
        return show.directory(entries)

    def list_active(self):
        found = self.engine.ask('list_active')['databases']
        if not found:
            raise Failure('SQL1611W  No data was returned by Database System Monitor.')
        return show.active(found)

    def list_applications(self, alias=None):
        found = self.engine.ask('list_applications', alias=alias)['applications']
        if not found:
            raise Failure('SQL1611W  No data was returned by Database System Monitor.')
        return show.applications(found)

    def list_history(self, alias):
        return show.history(alias.upper(), local(alias))

    def force(self, handles=None):
        self.engine.ask('force', handles=[int(own) for own in handles.split(',')] if handles else None)
        return show.message(DONE % 'FORCE APPLICATION') + show.message('DB21024I  This command is asynchronous and may not be effective immediately.')

    def get_instance(self):
        return show.blank() + ' The current database manager instance is:  %s\n' % NAME + show.blank()

    # ---- configurations

    def get_dbm(self):
        return show.dbm(read(os.path.join(SQLLIB, 'db2systm')))

    def update_dbm(self, pairs):
        path = os.path.join(SQLLIB, 'db2systm')
        write(path, {**read(path), **values(pairs)})
        text = show.message('DB20000I  The UPDATE DATABASE MANAGER CONFIGURATION command completed successfully.')
        try:
            self.engine.ask('ping')
        except Failure:
            return text
        return text + show.message('SQL1362W  One or more of the parameters submitted for immediate modification were not changed dynamically. Client changes will not be effective until the next time the application is started or the TERMINATE command has been issued. Server changes will not be effective until the next DB2START command.')

    def get_db(self, alias):
        alias = alias or self.alias
        if not alias:
            raise Failure('SQL1024N  A database connection does not exist.  SQLSTATE=08003')
        files = local(alias)
        return show.db(alias.upper(), files.cfg())

    def update_db(self, alias, pairs):
        alias = alias or self.alias
        changed = values(pairs)
        for key in ('LOGARCHMETH1', 'LOGARCHMETH2'):
            place = re.fullmatch(r'DISK:(.+)', changed.get(key, ''))
            if place and not os.path.isdir(place.group(1)):
                raise Failure('SQL5099N  The value "%s" indicated by the database configuration parameter "%s" is not valid, reason code "2".  SQLSTATE=08004' % (place.group(1), key))
        try:
            inactive = self.engine.ask('update', alias=alias, values=changed)['inactive']
        except Failure as failure:
            if 'SQL1032N' not in failure.text:
                raise
            files, inactive, more = local(alias), True, {}
            if files.cfg().get('LOGARCHMETH1', 'OFF') == 'OFF' and changed.get('LOGARCHMETH1', 'OFF') != 'OFF':
                more = {'BACKUP_PENDING': 'YES'}
            files.update(**changed, **more)
        text = show.message('DB20000I  The UPDATE DATABASE CONFIGURATION command completed successfully.')
        if inactive:
            return text
        return text + show.message('SQL1363W  Database must be deactivated and reactivated before the changes to one or more of the configuration parameters will be effective.')

    def manage(self, verb):
        import subprocess

        program = os.path.join(SQLLIB, 'adm', 'db2start' if verb.lower() in ('db2start', 'start') else 'db2stop')
        done = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **self.env}, text=True)
        if done.returncode == 0:
            return show.message(DONE % os.path.basename(program).upper())
        return 4, done.stdout


def values(pairs):
    words = pairs.split()
    if len(words) % 2:
        raise Failure('SQL0104N  An unexpected token "END-OF-STATEMENT" was found following "%s".  SQLSTATE=42601' % words[-1])
    return {words[i].upper(): words[i + 1] for i in range(0, len(words), 2)}


COMMANDS = (
    (r'connect\s+to\s+%s(?:\s+user\s+(\S+)(?:\s+using\s+(\S+))?)?' % NAME_, Processor.connect),
    (r'(?:connect\s+reset|disconnect\s+\w+)', Processor.reset),
    (r'(?:terminate|quit)', Processor.terminate),
    (r'create\s+%s\s+%s(.*)' % (DB, NAME_), Processor.create),
    (r'drop\s+%s\s+%s' % (DB, NAME_), Processor.drop),
    (r'activate\s+%s\s+%s' % (DB, NAME_), Processor.activate),
    (r'deactivate\s+%s\s+%s' % (DB, NAME_), Processor.deactivate),
    (r'backup\s+%s\s+%s(\s+online)?(?:\s+to\s+(/[^\s,]*))?(.*)' % (DB, NAME_), Processor.backup),
    (r'restore\s+%s\s+%s(.*)' % (DB, NAME_), Processor.restore),
    (r'rollforward\s+%s\s+%s(.*)' % (DB, NAME_), Processor.rollforward),
    (r'catalog\s+%s\s+%s(?:\s+as\s+(\w+))?(?:\s+on\s+(/\S*))?(?:\s+at\s+node\s+(\w+))?' % (DB, NAME_), Processor.catalog),
    (r'uncatalog\s+%s\s+%s' % (DB, NAME_), Processor.uncatalog),
    (r'catalog\s+tcpip\s+node\s+(.*)', Processor.catalog_node),
    (r'list\s+%s\s+directory' % DB, Processor.list_directory),
    (r'list\s+active\s+databases', Processor.list_active),
    (r'list\s+applications(?:\s+for\s+%s\s+(\w+))?(?:\s+show\s+detail)?' % DB, Processor.list_applications),
    (r'list\s+history\s+backup\s+all\s+for\s+(?:%s\s+)?%s' % (DB, NAME_), Processor.list_history),
    (r'force\s+applications?\s+all', Processor.force),
    (r'force\s+applications?\s*\(([\d,\s]+)\)', Processor.force),
    (r'get\s+instance', Processor.get_instance),
    (r'get\s+(?:dbm|database\s+manager)\s+%s' % CFG, Processor.get_dbm),
    (r'update\s+(?:dbm|database\s+manager)\s+%s\s+using\s+(.*)' % CFG, Processor.update_dbm),
    (r'get\s+%s\s+%s(?:\s+for\s+%s)?' % (DB, CFG, NAME_), Processor.get_db),
    (r'update\s+%s\s+%s(?:\s+for\s+%s)?\s+using\s+(.*)' % (DB, CFG, NAME_), Processor.update_db),
    (r'(db2start|db2stop|start|stop)(?:\s+(?:dbm|database\s+manager))?', Processor.manage),
)
