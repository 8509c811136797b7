"""GET DBM CFG and GET DB CFG: the lines of cfg/*.txt with the values of this instance or database."""
import os
import re

from instance import DB2DIR, HOME, SQLLIB, Failure
from show import blank, empty

LINE = re.compile(r'^( +)(.*?)(?:\s*\(([A-Z][A-Z0-9_]+)\))?(\s*)= ?(.*)$')
FIXED = {'LOGARCHMETH1': 'OFF', 'LOGARCHMETH2': 'OFF'}


def template(name):
    with open(os.path.join(DB2DIR, 'cfg', name)) as file:
        return file.read()


def keys(name):
    return {found.group(3) for found in map(LINE.match, template(name).split('\n')) if found and found.group(3)}


def default(name, key):
    for line in template(name).split('\n'):
        found = LINE.match(line)
        if found and found.group(3) == key:
            return found.group(5).strip()
    return ''


def printed(name, key, value):
    """AUTOMATIC is shown with the number that Db2 has chosen."""
    if value.upper() != 'AUTOMATIC':
        return value
    chosen = default(name, key)
    return chosen if chosen.startswith('AUTOMATIC') else 'AUTOMATIC(%s)' % chosen if chosen.isdigit() else 'AUTOMATIC'


def filled(name, values, labels):
    lines = []
    for line in template(name).split('\n'):
        found = LINE.match(line)
        if found:
            key, label = found.group(3), found.group(2)
            value = values.get(key, found.group(5).strip()) if key else labels.get(label, found.group(5).strip())
            line = line[: line.index('=', line.index('(%s)' % key) if key else 0)] + empty(printed(name, key, value) if key else value)
        lines.append(line)
    return '\n'.join(lines)


def parsed(name, pairs):
    """{KEY: value} of `K V K V`; a key that the configuration does not have is an error."""
    words = [own for own in re.findall(r"'[^']*'|\"[^\"]*\"|\S+", pairs)]
    known, found = keys(name), {}
    while words:
        key = words.pop(0).upper()
        if key not in known:
            raise Failure('SQL0104N  An unexpected token "%s" was found following "USING".  SQLSTATE=42601' % key)
        if not words:
            raise Failure('SQL0104N  An unexpected token "END-OF-STATEMENT" was found following "%s".  SQLSTATE=42601' % key)
        value = words.pop(0)
        quoted = value[0] in '\'"'
        value = value.strip('\'"') if quoted else value
        if words and words[0].upper() in ('IMMEDIATE', 'DEFERRED'):
            words.pop(0)
        found[key] = '' if value.upper() == 'NULL' else value
    return found


def dbm(values):
    diag = values.get('DIAGPATH', '').split(' ')[0].rstrip('/')
    labels = {'Node type': values.get('NODETYPE', ''), 'Current member resolved DIAGPATH': diag + '/DIAG0000/' if diag else ''}
    text = filled('dbmcfg.txt', {'JDK_PATH': SQLLIB + '/java/jdk64', 'SPM_LOG_PATH': '', **values}, labels)
    return blank() + text.lstrip('\n')


def db(alias, files):
    cfg = files.cfg()
    kept = cfg.get('LOGARCHMETH1', 'OFF') != 'OFF'
    labels = {
        'Database territory': cfg.get('TERRITORY', 'US'),
        'Database code page': '1208' if cfg.get('CODESET', 'UTF-8').upper() == 'UTF-8' else '819',
        'Database code set': cfg.get('CODESET', 'UTF-8'),
        'Database page size': cfg.get('PAGESIZE', '4096'),
        'Backup pending': cfg.get('BACKUP_PENDING', 'NO'),
        'Rollforward pending': cfg.get('ROLLFORWARD_PENDING', 'NO'),
        'Restore pending': cfg.get('RESTORE_PENDING', 'NO'),
        'Log retain for recovery status': 'RECOVERY' if cfg.get('LOGARCHMETH1') == 'LOGRETAIN' else 'NO',
        'User exit for logging status': 'YES' if kept and cfg.get('LOGARCHMETH1') != 'LOGRETAIN' else 'NO',
        'Path to log files': cfg.get('LOGPATH', ''),
        'First active log file': 'S%07d.LOG' % int(cfg.get('LOGNUMBER', '0')) if kept else '',
    }
    text = filled('dbcfg.txt', {**FIXED, 'EXTBL_LOCATION': HOME, **cfg}, labels).replace('for Database SAMPLE', 'for Database %s' % alias)
    return blank() + text.lstrip('\n')
