"""Commands of the command line processor on databases; settings.py has those on configurations and directories."""
import os
import re

import lists
import settings
import show
from history import history_of
from instance import HOME, SQLLIB, Failure, directory, local, read

DONE = 'DB20000I  The %s command completed successfully.'
NO_DATA = 'SQL1611W  No data was returned by Database System Monitor.'
PATHS = r'((?:/[^\s,]*)(?:\s*,\s*/[^\s,]*)*)'


def done(title):
    return show.message(DONE % title)


def option(pattern, text, default=None):
    found = re.search(pattern, ' ' + text, re.I)
    return found.group(1).strip('\'"') if found else default


def paths(text):
    return [own.strip() for own in text.split(',')] if text else []


def simple(operation, title):
    def run(clp, alias):
        clp.engine.ask(operation, alias=alias)
        return done(title)

    return run


def create(clp, name, rest):
    if len(name) > 8:
        raise Failure('SQL1001N  "%s" is not a valid database name.  SQLSTATE=2E000' % name)
    default = read(os.path.join(SQLLIB, 'db2systm')).get('DFTDBPATH', HOME)
    clp.engine.ask(
        'create',
        name=name.upper(),
        storage=paths(option(r'(?<!dbpath)\son\s+' + PATHS, rest, default)),
        dbpath=option(r'\bdbpath\s+on\s+(\S+)', rest),
        codeset=option(r'\bcodeset\s+(\S+)', rest, 'UTF-8').upper(),
        territory=option(r'\bterritory\s+(\S+)', rest, 'US').upper(),
        pagesize=str(int(option(r'\bpagesize\s+(\d+)', rest, '4096')) * (1024 if re.search(r'\bpagesize\s+\d+\s*k\b', rest, re.I) else 1)),
    )
    return done('CREATE DATABASE')


def backup(clp, alias, online, target, rest):
    words = rest.lower()
    if re.search(r'\binclude\s+logs\b', words) and not online:
        raise Failure('SQL0104N  An unexpected token "INCLUDE" was found following "OFFLINE".  SQLSTATE=42601')
    if re.search(r'\bincremental\b', words):
        raise Failure('SQL2426N  The database has not been configured to allow the incremental backup operation. Reason code = "1".')
    answer = clp.engine.ask(
        'backup', alias=alias, target=(target or clp.env.get('PWD', '/')).rstrip('/') or '/', online=bool(online),
        compress='compress' in words, logs=not re.search(r'\bexclude\s+logs\b', words),
    )
    return show.backup(answer['timestamp'])


def restore(clp, name, rest):
    name, target = name.upper(), option(r'\binto\s+(\S+)', rest, name).upper()
    prompted = not re.search(r'\bwithout\s+prompting\b', rest, re.I)
    replaces = bool(re.search(r'\breplace\s+existing\b', rest, re.I))
    existing = next((own for own in directory() or [] if own['alias'] == target), None)
    shown = ''
    if existing and (prompted or replaces):
        shown = show.message(show.OVERWRITE if existing['name'] == name else show.OTHER % (target, name))
        if not replaces:
            shown += show.words('Do you want to continue ? (y/n) ', 'Soll der Vorgang fortgesetzt werden? (j/n) ')
            if clp.input.strip().lower()[:1] not in (('j', 'y') if show.LANGUAGE[0] == 'de' else ('y',)):
                return 4, shown + '\n' + show.message('SQL2512N  The restore was terminated by the user.')
    answer = clp.engine.ask(
        'restore',
        source_name=name,
        source=option(r'\sfrom\s+(\S+)', rest) or clp.env.get('PWD', '/'),
        stamp=option(r'\btaken\s+at\s+(\d+)', rest),
        storage=paths(option(r'(?<!dbpath)\s(?:on|to)\s+' + PATHS, rest)),
        dbpath=option(r'\bdbpath\s+on\s+(\S+)', rest),
        target=target,
        logtarget=option(r'\blogtarget\s+(/\S+)', rest),
        without_rollforward=bool(re.search(r'\bwithout\s+rolling\s+forward\b', rest, re.I)),
    )
    if answer['warning'] and not shown:
        text = show.message('SQL2540W  Restore is successful, however a warning "%s" was encountered during Database Restore while processing in No Interrupt mode.' % answer['warning'])
        return 2, text + (done('RESTORE DATABASE') if show.VARIANTS.get('RESTORE_2540') == 'both' else '')
    return 2 if shown and replaces else 0, shown + done('RESTORE DATABASE')


def rollforward(clp, alias, rest):
    moment = option(r'\bto\s+(\d{4}-\d{2}-\d{2}-\d{2}\.\d{2}\.\d{2}\S*)', rest)
    how = 'time' if moment else 'none'
    for pattern, own in ((r'\bto\s+end\s+of\s+logs\b', 'logs'), (r'\bto\s+end\s+of\s+backup\b', 'backup'), (r'\bquery\s+status\b', 'query')):
        how = own if re.search(pattern, rest, re.I) else how
    stop = bool(re.search(r'\b(stop|complete)\b', rest, re.I))
    told = clp.engine.ask('rollforward', alias=alias, how=how, stop=stop, moment=moment, overflow=option(r'\boverflow\s+log\s+path\s*\(?\s*(/[^\s)]+)', rest))
    return show.rollforward(alias, told) + done('ROLLFORWARD')


def force(clp, handles=None):
    clp.engine.ask('force', handles=[int(own) for own in handles.split(',') if own.strip()] if handles else None)
    return done('FORCE APPLICATION') + show.message('DB21024I  This command is asynchronous and may not be effective immediately.')


def list_active(clp):
    found = clp.engine.ask('list_active')['databases']
    if not found:
        raise Failure(NO_DATA)
    return lists.active(found)


def list_applications(clp, alias=None):
    found = clp.engine.ask('list_applications', alias=alias)['applications']
    if not found:
        raise Failure(NO_DATA)
    return lists.applications(found)


def nothing_listed(clp):
    clp.engine.ask('ping')
    raise Failure(NO_DATA)


def snapshot(clp, alias):
    found = [own for own in clp.engine.ask('list_active')['databases'] if own['name'] == local(alias).name]
    if not found:
        raise Failure(NO_DATA)
    text = show.blank() + '              Database Snapshot\n\n'
    for label, value in (('Database name', found[0]['name']), ('Database path', found[0]['path']), ('Database status', 'Active'), ('Applications connected currently', found[0]['connections'])):
        text += '%-43s= %s\n' % (label, value)
    return text + '\n'


KINDS = {'backup': 'BR', 'rollforward': 'F', 'all': 'BRF', '': 'BRF'}


def list_history(clp, kind, since, alias):
    records = [own for own in history_of(local(alias)) if own['op'] in KINDS.get((kind or '').lower(), '') and own['timestamp'] >= (since or '')]
    if not records:
        # As Db2: no record is an empty list with its head.
        return lists.history(alias, [])
    return lists.history(alias, records)


def list_tables(clp):
    if not clp.alias:
        raise Failure('SQL1024N  A database connection does not exist.  SQLSTATE=08003')
    answer = clp.engine.ask('sql', text="select tabname, tabschema, type from syscat.tables where tabschema not like 'SYS%' order by 2, 1")
    text = show.blank() + 'Table/View                      Schema          Type  Creation time             \n------------------------------- --------------- ----- --------------------------\n'
    for row in answer['rows']:
        text += '%-31s %-15s %-5s %s\n' % (*row, '2026-01-01-00.00.00.000000')
    return text + '\n  %d record(s) selected.\n\n' % len(answer['rows'])


NAME = r'"?([A-Za-z@#$_][\w@#$]*)"?'
DB = r'(?:database|db)'
FOR_DB = r'(?:\s+(?:for|on)\s+(?:%s\s+)?' % DB
COMMANDS = (
    (r'create\s+%s\s+%s(\s.*)?' % (DB, NAME), lambda clp, name, rest: create(clp, name, rest or '')),
    (r'drop\s+%s\s+%s' % (DB, NAME), simple('drop', 'DROP DATABASE')),
    (r'activate\s+%s\s+%s' % (DB, NAME), simple('activate', 'ACTIVATE DATABASE')),
    (r'deactivate\s+%s\s+%s' % (DB, NAME), simple('deactivate', 'DEACTIVATE DATABASE')),
    (r'restart\s+%s\s+%s' % (DB, NAME), simple('restart', 'RESTART DATABASE')),
    (r'archive\s+log\s+for\s+%s\s+%s' % (DB, NAME), simple('archive_log', 'ARCHIVE LOG')),
    (r'backup\s+%s\s+%s(\s+online)?(?:\s+to\s+(/[^\s,]*))?(.*)' % (DB, NAME), backup),
    (r'restore\s+%s\s+%s(\s.*)?' % (DB, NAME), lambda clp, name, rest: restore(clp, name, rest or '')),
    (r'rollforward\s+%s\s+%s(\s.*)?' % (DB, NAME), lambda clp, name, rest: rollforward(clp, name, rest or '')),
    (r'list\s+active\s+databases', list_active),
    (r'list\s+applications(?:\s+for\s+%s\s+([\w@#$]+))?(?:\s+show\s+detail)?' % DB, list_applications),
    (r'list\s+utilities(?:\s+show\s+detail)?', nothing_listed),
    (r'list\s+history(?:\s+(backup|rollforward))?\s+(?:all|since\s+(\d+))\s+for\s+(?:%s\s+)?%s' % (DB, NAME), list_history),
    (r'list\s+tables', list_tables),
    (r'get\s+snapshot\s+for\s+%s\s+on\s+%s' % (DB, NAME), snapshot),
    (r'force\s+applications?\s+all', force),
    (r'force\s+applications?\s*\(([\d,\s]+)\)', force),
) + settings.COMMANDS
