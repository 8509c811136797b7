"""Commands on configurations and directories of the instance."""
import os
import re

import configs
import lists
import show
from instance import NAME, SQLLIB, Failure, catalog, directory, find, local, put, read, uncatalog, write

REFRESH = 'DB21056W  Directory changes may not be effective until the directory cache is refreshed.'
NOT_DYNAMIC = 'SQL1362W  One or more of the parameters submitted for immediate modification were not changed dynamically. Client changes will not be effective until the next time the application is started or the TERMINATE command has been issued. Server changes will not be effective until the next DB2START command.'
NOT_YET = 'SQL1363W  Database must be deactivated and reactivated before the changes to one or more of the configuration parameters will be effective.'
NODES = os.path.join(SQLLIB, 'sqlnodir/sqlnodir')


def done(title):
    return show.message('DB20000I  The %s command completed successfully.' % title)


def list_directory(clp):
    entries = directory()
    if entries is None:
        raise Failure('SQL1031N  The database directory cannot be found on the indicated file system.')
    if not entries:
        raise Failure('SQL1057W  The system database directory is empty.  SQLSTATE=01606')
    return lists.directory(entries)


def catalog_database(clp, name, alias, path, node):
    alias = (alias or name).upper()
    if not node and path and not os.path.isdir(path):
        raise Failure('SQL1052N  The database path "%s" does not exist.' % path)
    default = read(os.path.join(SQLLIB, 'db2systm')).get('DFTDBPATH', '')
    entry = {'alias': alias, 'name': name.upper(), 'comment': '', 'release': '', 'path': '' if node else path or default, 'node': (node or '').upper()}
    catalog({**entry, 'type': 'Remote' if node else 'Indirect'})
    return done('CATALOG DATABASE') + show.message(REFRESH)


def uncatalog_database(clp, alias):
    find(alias)
    uncatalog(alias.upper())
    return done('UNCATALOG DATABASE') + show.message(REFRESH)


def nodes():
    if not os.path.exists(NODES):
        return []
    with open(NODES) as file:
        return [dict(zip(('node', 'host', 'service'), line.rstrip('\n').split('\t'))) for line in file]


def put_nodes(entries):
    os.makedirs(os.path.dirname(NODES), exist_ok=True)
    put(NODES, ''.join('\t'.join((own['node'], own['host'], own['service'])) + '\n' for own in entries))


def catalog_node(clp, name, host, service):
    if any(own['node'] == name.upper() for own in nodes()):
        raise Failure('SQL1018N  The node name "%s" specified in the CATALOG NODE command already exists.' % name.upper())
    put_nodes(nodes() + [{'node': name.upper(), 'host': host, 'service': service}])
    return done('CATALOG TCPIP NODE') + show.message(REFRESH)


def uncatalog_node(clp, name):
    left = [own for own in nodes() if own['node'] != name.upper()]
    if len(left) == len(nodes()):
        raise Failure('SQL1022N  The node name "%s" could not be found in the node directory.' % name.upper())
    put_nodes(left)
    return done('UNCATALOG NODE') + show.message(REFRESH)


def list_nodes(clp):
    if not nodes():
        raise Failure('SQL1037W  The node directory is empty.  SQLSTATE=01606')
    return lists.nodes(nodes())


def get_instance(clp):
    text = show.words(' The current database manager instance is:  %s\n', ' Das aktuelle Exemplar des Datenbankmanagers ist:  %s\n')
    return show.blank() + text % NAME + show.blank()


def get_dbm(clp):
    values = read(os.path.join(SQLLIB, 'db2systm'))
    return configs.dbm(values)


def update_dbm(clp, pairs):
    path, changed = os.path.join(SQLLIB, 'db2systm'), configs.parsed('dbmcfg.txt', pairs)
    if 'DFTDBPATH' in changed and not os.path.isdir(changed['DFTDBPATH']):
        raise Failure('SQL5136N  The default database path (DFTDBPATH) value is not valid.')
    write(path, {**read(path), **changed})
    text = done('UPDATE DATABASE MANAGER CONFIGURATION')
    try:
        clp.engine.ask('ping')
    except Failure:
        return text
    return text + show.message(NOT_DYNAMIC)


def known(alias):
    if not alias:
        raise Failure('SQL1024N  A database connection does not exist.  SQLSTATE=08003')
    return alias


def get_db(clp, alias):
    alias = known(alias or clp.alias)
    return configs.db(alias.upper(), local(alias))


def check_paths(changed):
    for key in ('LOGARCHMETH1', 'LOGARCHMETH2', 'NEWLOGPATH', 'MIRRORLOGPATH', 'OVERFLOWLOGPATH', 'FAILARCHPATH'):
        value = changed.get(key, '')
        if key.startswith('LOGARCH'):
            if value and not re.fullmatch(r'OFF|LOGRETAIN|USEREXIT|DISK:/.+|TSM(:.*)?|VENDOR:.+', value, re.I):
                raise invalid(value, key, '3')
            value = value[5:] if value.upper().startswith('DISK:') else ''
        if value and not os.path.isdir(value):
            raise invalid(value, key, '2')


def invalid(value, key, reason):
    return Failure('SQL5099N  The value "%s" indicated by the database configuration parameter "%s" is not valid, reason code "%s".  SQLSTATE=08004' % (value, key, reason))


def update_db(clp, alias, pairs):
    alias = known(alias or clp.alias)
    changed = configs.parsed('dbcfg.txt', pairs)
    check_paths(changed)
    try:
        inactive = clp.engine.ask('update', alias=alias, values=changed)['inactive']
    except Failure as failure:
        if 'SQL1032N' not in failure.text:
            raise
        files, inactive = local(alias), True
        is_new = files.cfg().get('LOGARCHMETH1', 'OFF') == 'OFF' and changed.get('LOGARCHMETH1', 'OFF') != 'OFF'
        files.update(**changed, **({'BACKUP_PENDING': 'YES'} if is_new else {}))
    return done('UPDATE DATABASE CONFIGURATION') + ('' if inactive else show.message(NOT_YET))


def manage(clp, verb, rest):
    import subprocess

    start = verb.lower() in ('db2start', 'start')
    program = os.path.join(SQLLIB, 'adm', 'db2start' if start else 'db2stop')
    words = [] if start else (rest or '').split()
    ran = subprocess.run([program, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **clp.env}, text=True)
    if ran.returncode == 0:
        return done('DB2START' if start else 'DB2STOP')
    # Through the command line only the summary, which is the last message.
    return 4, ran.stdout[max(0, ran.stdout.rfind('\nSQL') + 1) :]


N = r'"?([A-Za-z@#$_][\w@#$]*)"?'
DB, CFG = r'(?:database|db)', r'(?:configuration|config|cfg)'
DBM = r'(?:dbm|database\s+manager)'
COMMANDS = (
    (r'catalog\s+%s\s+%s(?:\s+as\s+(\w+))?(?:\s+on\s+(/\S*))?(?:\s+at\s+node\s+(\w+))?' % (DB, N), catalog_database),
    (r'uncatalog\s+%s\s+%s' % (DB, N), uncatalog_database),
    (r'catalog\s+tcpip\s+node\s+(\w+)\s+remote\s+(\S+)\s+server\s+(\S+)(?:\s.*)?', catalog_node),
    (r'uncatalog\s+node\s+(\w+)', uncatalog_node),
    (r'list\s+%s\s+directory' % DB, list_directory),
    (r'list\s+node\s+directory', list_nodes),
    (r'get\s+instance', get_instance),
    (r'get\s+%s\s+%s(?:\s+show\s+detail)?' % (DBM, CFG), get_dbm),
    (r'update\s+%s\s+%s\s+using\s+(.*)' % (DBM, CFG), update_dbm),
    (r'get\s+%s\s+%s(?:\s+for\s+%s)?(?:\s+show\s+detail)?' % (DB, CFG, N), get_db),
    (r'update\s+%s\s+%s(?:\s+for\s+%s)?\s+using\s+(.*)' % (DB, CFG, N), update_db),
    (r'(db2start|db2stop|start|stop)(?:\s+%s)?(\s+force)?' % DBM, manage),
)
